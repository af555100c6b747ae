use std::{fs, path::Path, sync::Arc, time::Duration};

use heattrax::{
    hub::{Clock, Handle},
    model::{House, Memory, Notice, NoticeKind, Remembered},
    store::{self, Store},
};
use tokio::{
    sync::{broadcast, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{house, noon, remembered};

struct Room {
    board: watch::Sender<Arc<House>>,
    notices: broadcast::Receiver<Arc<Notice>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn start(folder: &Path) -> Room {
    let (store, ..) = Store::open(folder, noon()).unwrap();
    let (handle, _, board) = Handle::detached(house(false, Remembered::default()), Clock::driven(noon(), 1.0));
    let (notices, stop) = (handle.listen(), CancellationToken::new());
    let task = tokio::spawn(store::run(store, handle, stop.clone()));
    Room { board, notices, stop, task }
}

fn kept(folder: &Path) -> Memory {
    Store::open(folder, noon()).unwrap().1
}

/// Waits, at most 5 s, until the file holds `memory`.
async fn until_kept(folder: &Path, memory: &Memory) {
    for _ in 0..500 {
        if kept(folder) == *memory {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never kept");
}

#[tokio::test]
async fn a_change_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let room = start(folder.path());
    let changed = house(true, remembered());
    room.board.send_replace(Arc::new(changed.clone()));
    until_kept(folder.path(), &changed.memory()).await;
    let back = house(false, Remembered::default());
    room.board.send_replace(Arc::new(back.clone()));
    until_kept(folder.path(), &back.memory()).await;
}

#[tokio::test]
async fn what_a_killed_bridge_left_half_written_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".memory-a1b2c3.tmp"), "{\"bridge_id\":\"0").unwrap();
    fs::write(folder.path().join("notes.tmp"), "mine").unwrap();
    // Looking alone takes nothing away: it may be what a running bridge is writing.
    Store::open(folder.path(), noon()).unwrap();
    assert!(folder.path().join(".memory-a1b2c3.tmp").exists());
    let room = start(folder.path());
    until_kept(folder.path(), &house(false, Remembered::default()).memory()).await;
    drop(room);
    assert!(!folder.path().join(".memory-a1b2c3.tmp").exists());
    assert!(folder.path().join("notes.tmp").exists());
}

#[tokio::test]
async fn what_is_on_the_board_at_the_start_is_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let room = start(folder.path());
    until_kept(folder.path(), &house(false, Remembered::default()).memory()).await;
    drop(room);
}

#[tokio::test]
async fn the_id_survives_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let id = Store::open(folder.path(), noon()).unwrap().0.bridge_id().to_owned();
    let room = start(folder.path());
    let changed = house(true, remembered());
    room.board.send_replace(Arc::new(changed.clone()));
    until_kept(folder.path(), &changed.memory()).await;
    assert_eq!(Store::open(folder.path(), noon()).unwrap().0.bridge_id(), id);
}

#[tokio::test]
async fn changes_that_follow_each_other_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let room = start(folder.path());
    until_kept(folder.path(), &house(false, Remembered::default()).memory()).await;
    let path = folder.path().join("memory.json");
    let before = fs::read(&path).unwrap();
    tokio::time::pause();
    for it in 0..100 {
        room.board.send_replace(Arc::new(house(it % 2 == 0, Remembered::default())));
        tokio::task::yield_now().await;
    }
    let last = house(true, remembered());
    room.board.send_replace(Arc::new(last.clone()));
    tokio::time::advance(Duration::from_millis(60)).await;
    tokio::time::resume();
    // Whoever writes does so on another thread.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(fs::read(&path).unwrap(), before, "written before the changes could gather");
    until_kept(folder.path(), &last.memory()).await;
}

#[tokio::test]
async fn a_board_that_changes_without_news_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let room = start(folder.path());
    let same = house(false, Remembered::default());
    until_kept(folder.path(), &same.memory()).await;
    // A file in its place would be replaced by a write.
    fs::write(folder.path().join("memory.json"), "untouched").unwrap();
    room.board.send_replace(Arc::new(same));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(fs::read_to_string(folder.path().join("memory.json")).unwrap(), "untouched");
}

#[tokio::test]
async fn the_last_change_is_written_on_stop() {
    let folder = tempfile::tempdir().unwrap();
    let room = start(folder.path());
    tokio::task::yield_now().await;
    let last = house(true, remembered());
    room.board.send_replace(Arc::new(last.clone()));
    room.stop.cancel();
    tokio::time::timeout(Duration::from_millis(1000), room.task).await.unwrap().unwrap();
    assert_eq!(kept(folder.path()), last.memory());
}

#[tokio::test]
async fn it_ends_with_the_hub_and_keeps_the_last_picture() {
    let folder = tempfile::tempdir().unwrap();
    let Room { board, task, .. } = start(folder.path());
    let last = house(true, remembered());
    board.send_replace(Arc::new(last.clone()));
    drop(board);
    tokio::time::timeout(Duration::from_secs(2), task).await.unwrap().unwrap();
    assert_eq!(kept(folder.path()), last.memory());
}

#[tokio::test]
async fn a_failing_write_is_told_once_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut room = start(&data);
    until_kept(&data, &house(false, Remembered::default()).memory()).await;
    // A file where the folder was: nothing can be written there, not even by root.
    fs::remove_dir_all(&data).unwrap();
    fs::write(&data, "").unwrap();
    let changed = house(true, remembered());
    room.board.send_replace(Arc::new(changed.clone()));
    let told = tokio::time::timeout(Duration::from_secs(5), room.notices.recv()).await.unwrap().unwrap();
    assert_eq!(told.kind, NoticeKind::StoreTrouble);
    assert!(told.message.contains("cannot be written"), "{}", told.message);
    room.board.send_replace(Arc::new(house(false, remembered())));
    tokio::time::sleep(Duration::from_millis(50)).await;

    // Twice more in vain, then the folder is back.
    for _ in 0..2 {
        turn(Duration::from_secs(61)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(room.notices.try_recv().is_err(), "told again");
    fs::remove_file(&data).unwrap();
    turn(Duration::from_secs(130)).await;
    until_kept(&data, &house(false, remembered()).memory()).await;
}

#[tokio::test]
async fn a_store_that_opened_in_vain_is_not_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::write(&data, "").unwrap();
    let mut room = start(&data);
    room.board.send_replace(Arc::new(house(true, remembered())));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(room.notices.try_recv().is_err());
    room.stop.cancel();
    tokio::time::timeout(Duration::from_secs(2), room.task).await.unwrap().unwrap();
}

async fn turn(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}
