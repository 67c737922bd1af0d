//! Upgrades: who may plan one, which program executes which block, and that rows are changed once.

use app::genesis::Governance;
use app::upgrade::{due, versions, Upgrade};
use app::{Release, Unfit};
use cosmos_sdk_proto::cosmos::upgrade::v1beta1::{MsgCancelUpgrade, MsgSoftwareUpgrade, Plan};
use cosmos_sdk_proto::Any;
use governance::upgrade::{applied, plan};
use scenario::{any, Wallet, World};
use store::Ctx;

/// A row of nobody: how often the migration ran.
const COUNT: [u8; 3] = [0x1b, 0xee, 0x00];

#[expect(clippy::unnecessary_wraps, reason = "the form of a migration")]
fn count(ctx: &mut Ctx<'_>) -> Result<(), String> {
    let mut runs = 0;
    ctx.state.as_read().read(&COUNT, &mut |value| runs = value[0]);
    ctx.state.set(&COUNT, &[runs + 1]);
    Ok(())
}

fn fail(ctx: &mut Ctx<'_>) -> Result<(), String> {
    count(ctx)?;
    Err("half of the rows are strange".into())
}

const V2: Upgrade = Upgrade { name: "v2", raises: &["clob", "fees"], migrate: count };
const V3: Upgrade = Upgrade { name: "v3", raises: &["clob"], migrate: count };
const BROKEN: Upgrade = Upgrade { migrate: fail, ..V2 };

const SECOND: Release = Release::of(&[V2]);
const THIRD: Release = Release::of(&[V2, V3]);

/// The devnet, with olga as its authority.
fn world() -> World {
    let mut app = World::devnet();
    let authority = Some(Wallet::new("olga").address().to_bech32(&app.prefix));
    app.governance = Governance { authority };
    World::with(app, &["olga", "alice"], 1_000_000_000_000)
}

fn planned(world: &World, name: &str, height: i64) -> Any {
    let plan = Plan { name: name.into(), height, info: "see the notes".into(), ..Plan::default() };
    any(&MsgSoftwareUpgrade { authority: world.address("olga"), plan: Some(plan) })
}

fn cancelled(world: &World) -> Any {
    any(&MsgCancelUpgrade { authority: world.address("olga") })
}

fn code(world: &mut World, message: Any) -> Option<(String, u32)> {
    world.run("olga", &[message]).refusal.map(|refusal| (refusal.codespace, refusal.code))
}

fn after(world: &World, blocks: u64) -> i64 {
    i64::try_from(world.height() + blocks).unwrap()
}

/// A chain whose next block is that of upgrade `v2`.
fn before_v2() -> World {
    let mut world = world();
    let message = planned(&world, "v2", after(&world, 5));
    assert_eq!(code(&mut world, message), None);
    world.blocks(3);
    assert_eq!(due(world.machine.state()).map(|plan| plan.name), Some("v2".into()));
    world
}

fn runs(world: &World) -> u8 {
    let mut runs = 0;
    world.machine.state().read(&COUNT, &mut |value| runs = value[0]);
    runs
}

fn rows(world: &mut World) -> Vec<(Vec<u8>, Vec<u8>)> {
    world.machine.memory().iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

#[test]
fn a_plan_is_the_authoritys_and_for_a_height_that_all_nodes_hear_of_before() {
    let mut world = world();
    let message = planned(&world, "v2", after(&world, 9));
    let refused = world.run("alice", &[message]).refusal.unwrap();
    assert_eq!((refused.codespace.as_str(), refused.code), ("sdk", 8));
    let wrong = Some(("governance".to_owned(), 7));
    // The message is in the next block and holds in the one after: that one cannot be the plan's.
    for blocks in [0, 1, 2] {
        let message = planned(&world, "v2", after(&world, blocks));
        assert_eq!(code(&mut world, message), wrong, "{blocks}");
    }
    for name in ["", "v 2", "v2\n", &"v".repeat(65), "v\u{e9}"] {
        let message = planned(&world, name, after(&world, 9));
        assert_eq!(code(&mut world, message), wrong, "{name:?}");
    }
    let message = planned(&world, "v2", -1);
    assert_eq!(code(&mut world, message), Some(("sdk".into(), 2)));
    let none = any(&MsgSoftwareUpgrade { authority: world.address("olga"), plan: None });
    assert_eq!(code(&mut world, none), Some(("sdk".into(), 2)));
    let message = cancelled(&world);
    assert_eq!(code(&mut world, message), Some(("governance".into(), 8)));
    assert_eq!(plan(world.machine.state()), None);

    let message = planned(&world, "v2", after(&world, 3));
    assert_eq!(code(&mut world, message), None);
    world.block();
    let held = plan(world.machine.state()).unwrap();
    assert_eq!((held.name.as_str(), held.height), ("v2", world.height() + 1));
}

#[test]
fn a_plan_gives_way_to_a_later_one_or_to_none() {
    let mut world = world();
    for (name, blocks) in [("v2", 9), ("v2b", 20)] {
        let message = planned(&world, name, after(&world, blocks));
        assert_eq!(code(&mut world, message), None);
        world.block();
        assert_eq!(plan(world.machine.state()).unwrap().name, name);
    }
    let message = cancelled(&world);
    assert_eq!(code(&mut world, message), None);
    world.block();
    assert_eq!(plan(world.machine.state()), None);
    world.blocks(20);
}

#[test]
fn abci_19_a_program_without_the_upgrade_stops_before_its_block_and_says_what_is_needed() {
    let mut world = before_v2();
    let height = world.height() + 1;
    let before = rows(&mut world);
    let unfit = Release::default().check(world.machine.state()).unwrap_err();
    let said = unfit.to_string();
    assert!(said.starts_with(&format!("UPGRADE \"v2\" NEEDED at height {height}: see the notes")), "{said}");
    let input = world.propose();
    assert!(world.apply(&input).unwrap_err().reason.contains("NEEDED"));
    assert_eq!(rows(&mut world), before, "the block left nothing");
    assert_eq!(world.height() + 1, height);
}

#[test]
fn abci_19_a_program_that_is_ahead_of_the_plan_does_not_execute_the_blocks_before_it() {
    let mut world = world();
    let early = |world: &World, release: Release| match release.check(world.machine.state()) {
        Err(Unfit::Early { module, has, wants, until, .. }) => (module, has, wants, until),
        other => panic!("{other:?}"),
    };
    assert_eq!(early(&world, SECOND), ("fees", 1, 2, String::new()));
    let message = planned(&world, "v2", after(&world, 6));
    assert_eq!(code(&mut world, message), None);
    world.block();
    let at = after(&world, 4);
    let until = format!(" before height {at}, for upgrade \"v2\"");
    assert_eq!(early(&world, SECOND), ("fees", 1, 2, until.clone()));
    world.blocks(3);
    assert_eq!(SECOND.check(world.machine.state()), Ok(()));
    // Two releases cannot be leapt at once.
    assert_eq!(early(&world, THIRD), ("clob", 1, 3, until));
}

#[test]
fn abci_19_the_program_of_a_plan_changes_the_rows_once_and_goes_on() {
    let mut world = before_v2();
    let height = world.height() + 1;
    world.machine.release = SECOND;
    world.block();
    assert_eq!((runs(&world), plan(world.machine.state())), (1, None));
    assert_eq!(applied(world.machine.state(), "v2"), Some(height));
    let of = |world: &World, name: &str| {
        versions(world.machine.state()).into_iter().find(|(module, _)| module == name).unwrap().1
    };
    assert_eq!((of(&world, "clob"), of(&world, "fees"), of(&world, "bank")), (2, 2, 1));
    assert!(world.last.events.iter().any(|event| event.kind == "upgrade"));
    world.blocks(3);
    world.restart();
    world.blocks(3);
    assert_eq!(runs(&world), 1);

    // A name is used once, and the next upgrade is for the next program.
    let message = planned(&world, "v2", after(&world, 9));
    assert_eq!(code(&mut world, message), Some(("governance".into(), 7)));
    let message = planned(&world, "v3", after(&world, 3));
    assert_eq!(code(&mut world, message), None);
    world.block();
    assert!(matches!(SECOND.check(world.machine.state()), Err(Unfit::Needed { .. })));
    world.machine.release = THIRD;
    world.blocks(2);
    assert_eq!((runs(&world), of(&world, "clob"), of(&world, "fees")), (2, 3, 2));
}

#[test]
fn abci_19_a_program_from_before_an_upgrade_does_not_go_on_after_it() {
    let mut world = before_v2();
    world.machine.release = SECOND;
    world.block();
    for release in [Release::default(), Release::of(&[Upgrade { raises: &["fees"], ..V2 }])] {
        let unfit = release.check(world.machine.state()).unwrap_err();
        let said = unfit.to_string();
        assert!(said.contains("too old") && said.contains("upgrade \"v2\""), "{said}");
        world.machine.release = release;
        let input = world.propose();
        assert!(world.apply(&input).unwrap_err().reason.contains("too old"));
    }
}

#[test]
fn abci_20_an_upgrade_that_breaks_off_leaves_nothing_and_is_done_once_after_all() {
    let mut world = before_v2();
    let before = rows(&mut world);
    world.machine.release = Release::of(&[BROKEN]);
    let input = world.propose();
    let fault = world.apply(&input).unwrap_err();
    assert_eq!(fault.reason, "upgrade v2: half of the rows are strange");
    assert_eq!(rows(&mut world), before);

    // Executed, and killed before it was committed: the next start finds the rows from before.
    world.machine.release = SECOND;
    let mut changes = Vec::new();
    for _ in 0..3 {
        let mut killed = world.twin();
        killed.machine.execute(&input).unwrap();
        changes.push(killed.machine.take_changes());
    }
    assert!(changes.windows(2).all(|pair| pair[0] == pair[1]) && !changes[0].is_empty());
    world.apply(&input).unwrap();
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_chain_begins_with_the_versions_of_its_program_and_keeps_them_through_an_export() {
    let mut app = World::devnet();
    app.governance = Governance { authority: Some(Wallet::new("olga").address().to_bech32(&app.prefix)) };
    let key = ed25519_consensus::SigningKey::from([7; 32]).verification_key().to_bytes();
    let genesis = |app, initial_height| app::Genesis {
        chain_id: "ballast-story-1".into(),
        initial_height,
        validators: vec![app::GenesisValidator { public_key: key, power: 10 }],
        app,
        ..app::Genesis::default()
    };
    let begun = app::Machine::begin(&genesis(app, 1), THIRD).unwrap();
    assert_eq!(THIRD.check(begun.state()), Ok(()));
    assert!(matches!(SECOND.check(begun.state()), Err(Unfit::Newer { .. })));

    let mut world = before_v2();
    world.machine.release = SECOND;
    world.block();
    let message = planned(&world, "v3", after(&world, 9));
    assert_eq!(code(&mut world, message), None);
    world.block();
    let exported = app::genesis::export(world.machine.state()).unwrap();
    let mut genesis = genesis(exported, world.height() + 1);
    genesis.time = world.machine.last_block().1;
    genesis.extensions_from = 1;
    let back = app::Machine::begin(&genesis, SECOND).unwrap();
    assert_eq!(versions(back.state()), versions(world.machine.state()));
    assert_eq!(plan(back.state()), plan(world.machine.state()));
    assert!(applied(back.state(), "v2").is_some());
    assert_eq!(SECOND.check(back.state()), Ok(()));
}
