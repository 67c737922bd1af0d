//! A genesis document made of a running chain, from the states that the crowd leaves behind.
//! `BALLAST_SIM_SEEDS` and `BALLAST_SIM_BLOCKS` ask for more.

use scenario::World;

fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn abci_47_what_a_chain_exports_begins_a_chain_that_is_the_same_and_exports_the_same() {
    let (seeds, blocks) = (asked("BALLAST_SIM_SEEDS", 6), asked("BALLAST_SIM_BLOCKS", 40));
    let (mut states, mut compared) = (0_u64, 0);
    for seed in 1..=seeds {
        let every = |height: u64, world: &mut World| {
            if height.is_multiple_of(8) || height == 1 {
                states += 1;
                compared += sim::comes_back(world)?;
            }
            Ok(())
        };
        sim::watch(&sim::Story::new(seed, blocks, sim::Mode::Lite), every)
            .unwrap_or_else(|failure| panic!("{failure}"));
    }
    println!("{states} states came back, {compared} rows compared");
    assert!(states >= seeds && compared > 0, "nothing was compared");
}

/// The document of a small chain, with one thing in it changed.
fn refused(change: impl FnOnce(&mut app::Genesis)) -> String {
    let mut world = World::new(&["alice", "bob"], 1_000_000_000_000);
    world.block();
    let deposit = world.deposit("alice", 300_000_000_000);
    assert_eq!(world.run("alice", &[deposit]).refusal, None);
    let (height, time) = world.machine.last_block();
    let document = app::genesis::export(world.machine.state()).unwrap();
    let mut genesis = app::Genesis {
        chain_id: "ballast-story-2".into(),
        time,
        initial_height: height + 1,
        extensions_from: 1,
        validators: vec![app::GenesisValidator { public_key: [7; 32], power: 10 }],
        app: document,
    };
    change(&mut genesis);
    match app::Machine::from_genesis(&genesis) {
        Ok(_) => "accepted".into(),
        Err(error) => error.to_string(),
    }
}

fn part(genesis: &mut app::Genesis, name: &str, with: impl FnOnce(&mut String)) {
    with(genesis.app.continued.as_mut().unwrap().modules.get_mut(name).unwrap());
}

#[test]
fn abci_47_a_document_that_contradicts_itself_is_refused_and_the_place_is_named() {
    assert_eq!(refused(|_| ()), "accepted");
    let modules = |genesis: &mut app::Genesis| genesis.app.continued.as_mut().unwrap().modules.clone();
    let without = |genesis: &mut app::Genesis, name: &str| {
        let mut left = modules(genesis);
        left.remove(name);
        genesis.app.continued.as_mut().unwrap().modules = left;
    };
    for name in app::STORES.iter().map(|(_, name)| *name) {
        assert_eq!(refused(|g| without(g, name)), format!("continued.modules.{name}: is missing"));
        let cut = refused(|g| part(g, name, |text| text.truncate(text.len() - 2)));
        assert!(cut.starts_with(&format!("continued.modules.{name}: ")), "{name}: {cut}");
        let more = refused(|g| part(g, name, |text| text.push_str("00")));
        assert!(more.starts_with(&format!("continued.modules.{name}: ")), "{name}: {more}");
    }
    let unknown = refused(|g| {
        g.app.continued.as_mut().unwrap().modules.insert("vaults".into(), String::new());
    });
    assert!(unknown.contains("vaults: there is no such module"), "{unknown}");
    let early = refused(|g| g.initial_height = 1);
    assert!(early.contains("initial_height must be the next one"), "{early}");
    let past = refused(|g| g.time = types::Time::from_unix(1, 0));
    assert!(past.contains("before that of the last block"), "{past}");
    let edited = refused(|g| g.app.max_gas += 1);
    assert_eq!(edited, "accepted", "the gas limit is the document's own");
    let edited = refused(|g| g.app.markets[0].step_base_quantums += 1);
    assert!(edited.starts_with("markets is not what"), "{edited}");
    let paid = refused(|g| {
        g.app.balances.push(app::genesis::Balance { address: "module:gov".into(), coins: Vec::new() });
    });
    assert!(paid.contains("must not give any"), "{paid}");
}

#[test]
fn abci_47_books_that_do_not_add_up_are_refused() {
    // Amounts are the only 16 bytes of their value: one unit more in the pool than accounts hold.
    let amount = hex_of(&300_000_000_000_u128.to_le_bytes());
    let more = hex_of(&300_000_000_001_u128.to_le_bytes());
    let supply = refused(|g| {
        part(g, "bank", |text| {
            assert!(text.contains(&amount));
            *text = text.replacen(&amount, &more, 1);
        });
    });
    assert_ne!(supply, "accepted");
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
