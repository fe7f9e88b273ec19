//! The tables in the pages on migrating say nothing that does not compile.
//!
//! A table headed "you write | you write now" has code on both sides. What stands on its right must stand in
//! an example of the same page, which is a doctest of the library; what stands on its left, in the module
//! here that is named after the page, where it runs against the real thing.

// As they stand in the tables.
#[rustfmt::skip]
#[expect(clippy::clone_on_copy, clippy::collapsible_if, reason = "people write that")]
mod dashmap;
#[rustfmt::skip]
mod papaya;
#[rustfmt::skip]
mod rwlock_hashmap;
#[rustfmt::skip]
mod scc;

struct Page {
    name: &'static str,
    text: &'static str,
    /// Source in which the left sides are used; none for other languages.
    before: Option<&'static str>,
}

const PAGES: [Page; 5] = [
    Page {
        name: "dashmap",
        text: include_str!("../../../docs/migrating/dashmap.md"),
        before: Some(include_str!("dashmap.rs")),
    },
    Page {
        name: "papaya",
        text: include_str!("../../../docs/migrating/papaya.md"),
        before: Some(include_str!("papaya.rs")),
    },
    Page {
        name: "rwlock-hashmap",
        text: include_str!("../../../docs/migrating/rwlock-hashmap.md"),
        before: Some(include_str!("rwlock_hashmap.rs")),
    },
    Page {
        name: "scc",
        text: include_str!("../../../docs/migrating/scc.md"),
        before: Some(include_str!("scc.rs")),
    },
    Page {
        name: "sync-map",
        text: include_str!("../../../docs/migrating/sync-map.md"),
        before: None,
    },
];

fn squeezed(code: &str) -> String {
    code.split_whitespace().collect()
}

/// The cells of a row, if the line is one. A bar within a cell is escaped.
fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix('|')?.strip_suffix('|')?;
    let line = line.replace("\\|", "\0");
    let cell = |cell: &str| cell.trim().replace('\0', "|");
    Some(line.split('|').map(cell).collect())
}

impl Page {
    /// The tables of code: their rows.
    fn rows(&self) -> Vec<[String; 2]> {
        let mut rows = Vec::new();
        let mut is_code = false;
        for line in self.text.lines() {
            let Some(cells) = cells(line) else {
                is_code = false;
                continue;
            };
            if cells == ["you write", "you write now"] {
                is_code = true;
            } else if is_code && cells != ["---", "---"] {
                let row = cells.try_into().expect("two columns");
                rows.push(row);
            }
        }
        assert!(rows.len() > 10, "{}: {} rows", self.name, rows.len());
        rows.into_iter()
            .map(|row: [String; 2]| row.map(|cell| self.code(&cell)))
            .collect()
    }

    fn code(&self, cell: &str) -> String {
        let code = cell
            .strip_prefix('`')
            .and_then(|cell| cell.strip_suffix('`'));
        let code = code.unwrap_or_else(|| panic!("{}: no code: {cell}", self.name));
        assert!(!code.contains('`'), "{}: more than code: {cell}", self.name);
        code.to_owned()
    }

    /// The examples, squeezed: whatever is in none of them is not compiled.
    fn examples(&self) -> String {
        let blocks = self.text.split("```rust\n").skip(1);
        let example = |block: &str| {
            let (example, _) = block.split_once("```").expect("a block has an end");
            squeezed(example)
        };
        blocks.map(example).collect()
    }
}

#[test]
fn the_right_side_compiles() {
    for page in PAGES {
        let examples = page.examples();
        for [_, now] in page.rows() {
            assert!(
                examples.contains(&squeezed(&now)),
                "{}: not in an example: {now}",
                page.name
            );
        }
    }
}

#[test]
fn the_left_side_compiles() {
    for page in PAGES {
        let Some(before) = page.before.map(squeezed) else {
            continue;
        };
        for [before_now, _] in page.rows() {
            assert!(
                before.contains(&squeezed(&before_now)),
                "{}: not in its module: {before_now}",
                page.name
            );
        }
    }
}

/// Every page is on the first one.
#[test]
fn the_first_page_leads_to_the_others() {
    let first = include_str!("../../../docs/migrating.md");
    for page in PAGES {
        assert!(
            first.contains(&format!("(migrating/{}.md)", page.name)),
            "{}",
            page.name
        );
    }
}
