//! How many files and sockets the program may have open at once.

/// More than a thousand devices and all who listen need.
const ENOUGH: u64 = 16_384;

/// Asks for enough of them, as far as the system lets a program ask: by default it is often 1,024, which a house of a thousand devices has
/// used up before anybody looks at the page.
#[cfg(unix)]
pub(crate) fn open_enough() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(ENOUGH, |it| it.min(ENOUGH));
    if limit.current.is_some_and(|it| it < most) {
        limit.current = Some(most);
        // If it is refused, there are as many as there were.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Nothing has to be asked for.
#[cfg(not(unix))]
pub(crate) fn open_enough() {}
