//! What is simulated agrees with what is computed. Seeds are fixed, so nothing
//! here fails by chance; the bounds are those of a one in 10,000 accident.

use assay_protocol::economics::escapes;
use assay_simulate::attacks::{Attack, simulate};
use assay_simulate::cast::Settings;
use assay_simulate::stats::Row;
use clap::ValueEnum;

/// Standard errors within which a right formula stays.
const BOUND: f64 = 4.0;

fn settings() -> Settings {
    // Idle often enough that 300 jobs see what follows.
    Settings { jobs: 300, idle_bp: 2_000, ..Settings::default() }
}

fn rows(attack: Attack, settings: &Settings) -> Vec<Row> {
    settings.check().unwrap();
    simulate(attack, settings, || ()).unwrap()
}

fn find<'a>(rows: &'a [Row], quantity: &str) -> &'a Row {
    rows.iter().find(|row| row.quantity == quantity).unwrap_or_else(|| panic!("no {quantity} in {rows:?}"))
}

fn assert_agreement(attack: Attack, settings: &Settings) -> Vec<Row> {
    let rows = rows(attack, settings);
    assert!(rows.iter().any(|row| row.expected.is_some()));
    for row in &rows {
        assert!(row.agrees(BOUND), "{row:?}");
    }
    rows
}

#[test]
fn every_attack_does_as_well_as_its_formula_says() {
    for attack in Attack::value_variants() {
        assert_agreement(*attack, &settings());
    }
}

#[test]
fn so_it_does_under_other_terms() {
    let others = [
        Settings { segments: 10, samples: 3, panel: 5, bribed_bp: 3_500, idle_bp: 3_500, seed: 2, ..settings() },
        Settings { false_segments: 4, bribed_bp: 1_000, enlisted: 30, seed: 3, ..settings() },
        Settings { segments: 5, samples: 5, idle_bp: 3_000, audited_bp: 8_000, seed: 4, ..settings() },
    ];
    for settings in others {
        for attack in Attack::value_variants() {
            assert_agreement(*attack, &Settings { jobs: 150, ..settings.clone() });
        }
    }
}

#[test]
fn a_formula_without_the_bribes_is_refuted() {
    let bribed = Settings { bribed_bp: 4_000, segments: 8, ..settings() };
    let row = find(&rows(Attack::Bribed, &bribed), "cheats pass").clone();
    let without = bribed.draw(1).passes(0.0, 1.0);
    assert!((row.measured - without).abs() > BOUND * row.half_width / 1.96, "{row:?} agrees with {without}");
}

#[test]
fn one_honest_secret_makes_grinding_worthless() {
    let grind = find(&rows(Attack::Grind, &settings()), "cheats pass").clone();
    let known = find(&rows(Attack::KnownSecrets, &settings()), "cheats pass").clone();
    let plain = settings().draw(1).passes(0.0, 1.0);
    assert!(grind.measured < plain + 0.15, "{grind:?}");
    assert!(known.measured > 0.97, "{known:?}");
}

#[test]
fn what_the_policy_counts_does_not_pay_at_the_least_stake_even_with_an_accomplice() {
    for attack in [Attack::Lazy, Attack::Bribed, Attack::Grind, Attack::Audited] {
        let row = find(&rows(attack, &settings()), "operator, over an honest one").clone();
        assert!(row.measured + row.half_width < 0.0, "{row:?}");
    }
    let row = find(&rows(Attack::TurnIn, &settings()), "with its accomplice, over an honest one").clone();
    assert!(row.measured + row.half_width < 0.0, "{row:?}");
}

#[test]
fn cheating_pays_without_a_stake() {
    let bare = Settings { stake: Some(1), ..settings() };
    let row = find(&rows(Attack::Bribed, &bare), "operator, over an honest one").clone();
    assert!(row.measured - row.half_width > 0.0, "{row:?}");
}

#[test]
fn who_hides_or_keeps_a_secret_back_pays_more_than_it_gains_at_the_least_stake() {
    // Seldom convicted, and then of much: more jobs for a narrower interval.
    let many = Settings { jobs: 400, ..settings() };
    for attack in [Attack::Hide, Attack::LastReveal, Attack::Escape] {
        let row = find(&rows(attack, &many), "operator, over an honest one").clone();
        assert!(row.expected.is_some_and(|expected| expected < 0.0), "{row:?}");
        assert!(row.measured < 0.0, "{row:?}");
    }
    // Without a stake each of them pays.
    for attack in [Attack::Hide, Attack::LastReveal, Attack::Escape] {
        let row =
            find(&rows(attack, &Settings { stake: Some(1), jobs: 100, ..settings() }), "operator, over an honest one")
                .clone();
        assert!(row.measured - row.half_width > 0.0, "{row:?}");
    }
}

#[test]
fn the_least_stake_counts_what_the_simulated_cheats_can_do() {
    // Of many verifiers, so that those drawn before do not change the shares.
    for settings in [Settings { enlisted: 500, ..settings() }, Settings { enlisted: 500, panel: 7, ..settings() }] {
        let row = find(&rows(Attack::Escape, &Settings { jobs: 20, ..settings.clone() }), "cheats pass").clone();
        let counted = escapes(24, 1, 6, settings.panel, 2_000).to_f64();
        assert!((row.expected.unwrap() - counted).abs() < 0.01, "{row:?} for {counted}");
    }
}

#[test]
fn false_reports_harm_the_operator_and_earn_nothing() {
    let rows = rows(Attack::FalseReport, &settings());
    assert!(find(&rows, "honest work passes").measured < 1.0);
    // Less than the fees of a fifth of the slots, which they would have had.
    let gained = find(&rows, "conspirators");
    assert!(gained.measured + gained.half_width < settings().fee as f64 / 5.0, "{gained:?}");
    // The honest never report, so no panel's worth of bribed verifiers convicts nobody.
    let few = Settings { panel: 9, bribed_bp: 1_000, ..settings() };
    let rows = self::rows(Attack::FalseReport, &few);
    assert_eq!(find(&rows, "honest work passes").measured, 1.0);
}

#[test]
fn a_secret_kept_back_is_a_second_throw_at_the_price_of_the_idle_penalty() {
    let kept = rows(Attack::LastReveal, &settings());
    let bias = find(&kept, "bias bought");
    assert!(bias.measured - bias.half_width > 0.05, "{bias:?}");
    let (how_often, paid) = (find(&kept, "secret kept back"), find(&kept, "who kept it back"));
    assert!(how_often.measured > 0.0);
    // A tenth of the bond each time, to the unit.
    assert!((paid.measured + how_often.measured * settings().bond as f64 / 10.0).abs() < 1e-6, "{paid:?}");
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    let few = Settings { jobs: 20, ..settings() };
    let json = |settings: &Settings| serde_json::to_string(&rows(Attack::Market, settings)).unwrap();
    assert_eq!(json(&few), json(&few));
    assert_ne!(json(&few), json(&Settings { seed: 9, ..few.clone() }));
}

#[test]
fn settings_that_cannot_be_played_are_refused() {
    let refused = [
        Settings { panel: 4, ..settings() },
        Settings { samples: 0, ..settings() },
        Settings { samples: 25, ..settings() },
        Settings { false_segments: 25, ..settings() },
        Settings { enlisted: 10, ..settings() },
        Settings { verifiers: 19, ..settings() },
        Settings { jobs: 1, ..settings() },
        Settings { payment: 0, ..settings() },
        Settings { bribed_bp: 9_500, ..settings() },
    ];
    for settings in refused {
        assert!(settings.check().is_err(), "{settings:?}");
    }
}
