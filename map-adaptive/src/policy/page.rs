//! Text in lines of bounded length.

use std::fmt::{self, Write as _};

/// The longest line, in characters.
const WIDTH: usize = 100;

/// Writes paragraphs, with line feeds between the lines and none at the end.
pub(super) struct Page<'a, 'f> {
    to: &'a mut fmt::Formatter<'f>,
    is_empty: bool,
}

impl<'a, 'f> Page<'a, 'f> {
    pub(super) fn new(to: &'a mut fmt::Formatter<'f>) -> Self {
        Self { to, is_empty: true }
    }

    /// A text at a margin, with a label in it. A number stays on the line of its unit.
    pub(super) fn paragraph(&mut self, margin: usize, label: &str, text: &str) -> fmt::Result {
        self.line(margin, label)?;
        let mut column = margin;
        for chunk in chunks(text) {
            let length = chunk.chars().count();
            if column > margin && column + 1 + length > WIDTH {
                self.line(margin, "")?;
                column = margin;
            } else if column > margin {
                self.to.write_char(' ')?;
                column += 1;
            }
            for character in chunk.chars() {
                // No line is long enough for such a word.
                if column == WIDTH {
                    self.line(margin, "")?;
                    column = margin;
                }
                self.to.write_char(character)?;
                column += 1;
            }
        }
        Ok(())
    }

    /// Parts with commas between them; nothing, if there are none.
    pub(super) fn list(
        &mut self,
        margin: usize,
        parts: impl Iterator<Item = String>,
    ) -> fmt::Result {
        let text = parts.collect::<Vec<_>>().join(", ");
        if text.is_empty() {
            return Ok(());
        }
        self.paragraph(margin, "", &text)
    }

    fn line(&mut self, margin: usize, label: &str) -> fmt::Result {
        if !self.is_empty {
            self.to.write_char('\n')?;
        }
        self.is_empty = false;
        write!(self.to, "{label:margin$}")
    }
}

/// Words, but a number and the word that follows are one.
fn chunks(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match chunks.last_mut() {
            Some(last) if last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => chunks.push(word.to_owned()),
        }
    }
    chunks
}
