use crate::{bad, parse, small_and, SMALL};
#[test]
fn look() {
    for text in ["", "a: [", "\tx: 1", "location: {latitude: north}\nlocation: 3\nfoo: 1\n[a]: 3\n", &small_and("vacation_mode: maybe\nmqtts: {}\nweb: {prot: 80}\nweb: 3\n"), "a: *x", "- 1", "a: !!int x", "a: b: c", "x: \"\\q\"", "---\na: 1\n---\nb: 2", "a:\n  - 1\n b: 3", "%YAML 9\n", "a: 'x", "true: 3\non: 4\n~: 3\n1.50: 3\n? {a: b}\n: 3"] {
        match parse(text) { Ok(_) => println!("OK"), Err(e) => println!("--- {text:?}\n{e}") }
    }
    println!("{:#?}", parse(SMALL).unwrap());
    println!("{}", parse(SMALL).unwrap().shown);
    let example = std::fs::read_to_string("config/heattrax.yaml").unwrap();
    println!("{}", heattrax::config::report(&parse(&example)));
    let _ = bad;
}
#[test]
fn seed() {
    let t = std::fs::read_to_string("/tmp/seed_example.yaml").unwrap();
    println!("{}", heattrax::config::report(&parse(&t)));
    let names = std::fs::read_to_string("/tmp/seed_env").unwrap();
    let e = names.lines().map(|n| (n.to_owned(), "1".to_owned())).collect();
    println!("{}", heattrax::config::report(&crate::parse_with(&t, &e)));
    for text in ["- 1", "3", "a: 1\n---\nb: 2", "~"] {
        match parse(text) { Ok(_) => println!("OK"), Err(e) => println!("--- {text:?}\n{e}") }
    }
}
