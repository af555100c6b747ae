//! What each key is for, in the order in which people are told of them: `words.txt`. What may stand there is not written down: the readers
//! say it.

/// A key.
pub(super) struct Word {
    /// Items of lists are `[]`, names of the user's choice are `*`.
    pub(super) path: &'static str,
    /// What holds where nobody says otherwise, as the file would write it. Empty where nothing does, or where it hangs on other keys.
    pub(super) usual: &'static str,
    /// One sentence or two. A key whose text begins with `Without effect` is shown as retired.
    pub(super) text: &'static str,
}

/// Every key.
pub(super) fn words() -> impl Iterator<Item = Word> {
    include_str!("words.txt").lines().filter_map(|line| {
        let (path, rest) = line.split_once(" | ")?;
        let (usual, text) = rest.split_once("| ")?;
        Some(Word { path, usual: usual.trim(), text })
    })
}
