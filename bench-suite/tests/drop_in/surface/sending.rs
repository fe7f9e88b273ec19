//! What may be sent to other threads, kept in futures that wait, and taken along where a panic is caught.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::panic::{UnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use super::{Seen, Storable, dashmap, filled, sorted};
use dashmap::iter::{Iter, IterMut, OwningIter};
use dashmap::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
use dashmap::mapref::multiple::{RefMulti, RefMutMulti};
use dashmap::mapref::one::{Ref, RefMut};
use dashmap::{DashMap, DashSet, ReadOnlyView, iter_set, setref};

/// Compiles if the type may be sent and shared.
fn shared<T: Send + Sync>() {}

/// All that may be sent and shared if keys, values and the hasher may.
fn all_shared<'a, K, V, S>() -> usize
where
    K: 'a + Eq + Hash + Send + Sync + Storable,
    V: 'a + Send + Sync + Storable,
    S: 'a + BuildHasher + Clone + Send + Sync,
{
    let all = [
        shared::<DashMap<K, V, S>>,
        shared::<DashSet<K, S>>,
        shared::<ReadOnlyView<K, V, S>>,
        shared::<Ref<'a, K, V>>,
        shared::<RefMut<'a, K, V>>,
        shared::<RefMulti<'a, K, V>>,
        shared::<RefMutMulti<'a, K, V>>,
        shared::<Entry<'a, K, V>>,
        shared::<OccupiedEntry<'a, K, V>>,
        shared::<VacantEntry<'a, K, V>>,
        shared::<Iter<'a, K, V, S, DashMap<K, V, S>>>,
        shared::<IterMut<'a, K, V, S, DashMap<K, V, S>>>,
        shared::<OwningIter<K, V, S>>,
        shared::<setref::one::Ref<'a, K>>,
        shared::<setref::multiple::RefMulti<'a, K>>,
        shared::<iter_set::Iter<'a, K, S, DashMap<K, (), S>>>,
        shared::<iter_set::OwningIter<K, S>>,
    ];
    all.iter().for_each(|check| check());
    all.len()
}

/// Compiles if a panic may be caught of code that owns it.
fn caught<T: UnwindSafe>() {}

fn all_caught<K, V, S>() -> usize
where
    K: UnwindSafe + Storable,
    V: UnwindSafe + Storable,
    S: UnwindSafe,
{
    let all = [
        caught::<DashMap<K, V, S>>,
        caught::<DashSet<K, S>>,
        caught::<ReadOnlyView<K, V, S>>,
    ];
    all.iter().for_each(|check| check());
    all.len()
}

/// What may be shared, but not sent: read guards on it may.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Stays(PhantomData<MutexGuard<'static, ()>>);

fn all_that_share() -> usize {
    let all = [
        shared::<Ref<'static, Stays, Stays>>,
        shared::<RefMulti<'static, Stays, Stays>>,
        shared::<setref::one::Ref<'static, Stays>>,
        shared::<setref::multiple::RefMulti<'static, Stays>>,
    ];
    all.iter().for_each(|check| check());
    all.len()
}

pub(crate) fn sent_types() -> Seen {
    let mut seen = Seen::new();
    see!(seen, all_caught::<u64, String, RandomState>());
    let map = filled(3);
    see!(
        seen,
        catch_unwind(move || map.insert(1, "new".to_owned())).unwrap()
    );
    see!(
        seen,
        all_shared::<u64, String, RandomState>(),
        all_that_share()
    );
    // Those with defaulted parameters.
    shared::<Iter<'static, u64, String>>();
    shared::<IterMut<'static, u64, String>>();
    shared::<OwningIter<u64, String>>();
    seen
}

/// Gives way once.
struct GiveWay(bool);

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        context.waker().wake_by_ref();
        match std::mem::replace(&mut self.0, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Runs futures, each step on another thread.
fn run(futures: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>>) {
    let queue = Mutex::new(futures);
    while !queue.lock().unwrap().is_empty() {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut future = queue.lock().unwrap().remove(0);
                let mut context = Context::from_waker(Waker::noop());
                if future.as_mut().poll(&mut context).is_pending() {
                    queue.lock().unwrap().push(future);
                }
            });
        });
    }
}

pub(crate) fn futures() -> Seen {
    let mut seen = Seen::new();
    let maps: [DashMap<u64, String>; 3] = std::array::from_fn(|_| filled(20));
    let futures = maps.iter().map(|map| {
        let steps = async move {
            // Guards and iterators are kept while the future waits, and go to another thread with it.
            let guard = map.get(&1).unwrap();
            GiveWay(false).await;
            let length = guard.len();
            drop(guard);
            let mut guard = map.get_mut(&2).unwrap();
            GiveWay(false).await;
            guard.push_str(&length.to_string());
            drop(guard);
            let mut iter = map.iter();
            let first = iter.next();
            GiveWay(false).await;
            let many = iter.count() + usize::from(first.is_some());
            drop(first);
            let entry = map.entry(100);
            GiveWay(false).await;
            entry.or_insert(many.to_string());
        };
        Box::pin(steps) as Pin<Box<dyn Future<Output = ()> + Send + '_>>
    });
    run(futures.collect());
    for map in &maps {
        see!(
            seen,
            map.get(&2).unwrap().value(),
            map.get(&100).unwrap().value(),
            map.len()
        );
    }
    seen
}

/// A future that was spawned, as long as it is not at its end, and the queue that it is put into when it can go on.
struct Task {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    queue: Sender<Arc<Task>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let queue = self.queue.clone();
        queue.send(self).unwrap();
    }
}

fn spawn(queue: &Sender<Arc<Task>>, future: impl Future<Output = ()> + Send + 'static) {
    let task = Task {
        future: Mutex::new(Some(Box::pin(future))),
        queue: queue.clone(),
    };
    queue.send(Arc::new(task)).unwrap();
}

/// Goes on with whatever task can, until there are none.
fn work(queue: &Mutex<Receiver<Arc<Task>>>) {
    loop {
        let Ok(task) = queue.lock().unwrap().recv() else {
            return;
        };
        let waker = Waker::from(Arc::clone(&task));
        let mut context = Context::from_waker(&waker);
        let mut slot = task.future.lock().unwrap();
        let is_at_its_end = |future: &mut Pin<Box<dyn Future<Output = ()> + Send>>| {
            future.as_mut().poll(&mut context).is_ready()
        };
        if slot.as_mut().is_some_and(is_at_its_end) {
            *slot = None;
        }
    }
}

/// A task that owns its maps, as spawned ones must, and waits with every kind of guard in its hands. Nobody writes to
/// `common`, and nobody else has `own`: a task that waits for a lock would keep a thread from the one that has it.
async fn task(number: u64, common: Arc<DashMap<u64, String>>, own: Arc<DashMap<u64, u64>>) {
    let read = common.get(&number).unwrap();
    let mut written = own.get_mut(&0).unwrap();
    for _ in 0..10 {
        GiveWay(false).await;
        *written += read.len() as u64;
    }
    let reread = written.downgrade();
    GiveWay(false).await;
    drop((read, reread));
    let all: Vec<_> = common.iter().collect();
    let mut each: Vec<_> = own.iter_mut().collect();
    GiveWay(false).await;
    each.iter_mut()
        .for_each(|entry| **entry += all.len() as u64);
    drop((each, all));
    let mut rest = own.iter_mut();
    let first = rest.next();
    GiveWay(false).await;
    assert!(first.is_some() && rest.count() == 0);
    drop(first);
    let entry = own.entry(number + 1);
    GiveWay(false).await;
    let entry = entry.insert_entry(number);
    GiveWay(false).await;
    let guard = entry.into_ref();
    GiveWay(false).await;
    drop(guard);
}

pub(crate) fn spawned() -> Seen {
    let mut seen = Seen::new();
    let common = Arc::new(filled(8));
    let owns: Vec<Arc<DashMap<u64, u64>>> = (0..8)
        .map(|_| Arc::new([(0, 0)].into_iter().collect()))
        .collect();
    let (sender, receiver) = mpsc::channel();
    for (number, own) in (0..).zip(&owns) {
        spawn(&sender, task(number, Arc::clone(&common), Arc::clone(own)));
    }
    drop(sender);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| work(&receiver));
        }
    });
    for own in &owns {
        see!(
            seen,
            sorted(own.iter().map(|entry| (*entry.key(), *entry.value())))
        );
    }
    common.clear();
    see!(seen, common.len());
    seen
}
