//! The attacks that can be simulated, and what the formulas say of each.

use crate::cast::{Cast, Conduct, Played, Settings};
use crate::chain::{Chain, Refused};
use crate::formulas::some_of;
use crate::play::play;
use crate::stats::{Expected, Meters, Row, Unit};
use assay_protocol::Address;
use assay_protocol::market::IDLE_PENALTY_BP;
use assay_protocol::registry::share;
use fastrand::Rng;

/// Commitments that an operator tries.
const ROOTS: u32 = 4;
/// Most challenges of a false accuser.
const ACCUSATIONS: u32 = 4;

/// Quantities that the plots show.
pub(crate) const CHEATS_PASS: &str = "cheats pass";
pub(crate) const OPERATOR: &str = "operator, over an honest one";
const CONSPIRATORS: &str = "conspirators";
pub(crate) const WITH_ACCOMPLICE: &str = "with its accomplice, over an honest one";

/// Who misbehaves, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Attack {
    /// Nobody.
    Honest,
    /// The operator makes up segments; all others are honest.
    Lazy,
    /// So it does, with a share of the verifiers bribed.
    Bribed,
    /// So it does, and a bribed verifier keeps its secret back when the draw is bad.
    LastReveal,
    /// So it does, and tries several commitments, knowing the secrets of the bribed.
    Grind,
    /// The operator makes up segments and tries several commitments, knowing all secrets.
    KnownSecrets,
    /// Operator and client are in league: their verifiers lock larger bonds than others.
    Collusion,
    /// The bribing operator, once found out, has an accomplice convict it over another
    /// false segment (at least two are made up).
    TurnIn,
    /// The bribing operator serves its false segments to none but the bribed, and
    /// answers on chain what others demand, until that convicts it.
    Hide,
    /// It hides, and a bribed verifier keeps its secret back if that would convict it:
    /// all that the least stake counts.
    Escape,
    /// The bribing operator meets challengers that replay a share of the other segments.
    Audited,
    /// Honest verifiers miss a share of their turns.
    Idle,
    /// Conspirators challenge true segments of an honest operator, if one of the next
    /// panels will be theirs.
    Accuse,
    /// Conspirators report a slot of an honest operator that serves everybody, if so
    /// many of them are drawn for it one after another that it is convicted.
    FalseReport,
    /// All kinds of operators and verifiers at once.
    Market,
}

impl Attack {
    /// Its name, as the command line takes it.
    pub fn name(self) -> &'static str {
        match self {
            Attack::Honest => "honest",
            Attack::Lazy => "lazy",
            Attack::Bribed => "bribed",
            Attack::LastReveal => "last-reveal",
            Attack::Grind => "grind",
            Attack::KnownSecrets => "known-secrets",
            Attack::Collusion => "collusion",
            Attack::TurnIn => "turn-in",
            Attack::Hide => "hide",
            Attack::Escape => "escape",
            Attack::Audited => "audited",
            Attack::Idle => "idle",
            Attack::Accuse => "accuse",
            Attack::FalseReport => "false-report",
            Attack::Market => "market",
        }
    }

    fn conduct(self, settings: &Settings) -> Conduct {
        let bribed = Settings::share_of(settings.enlisted, settings.bribed_bp);
        let lazy = Conduct { false_segments: settings.false_segments, ..Conduct::default() };
        let bribing = Conduct { bribed, ..lazy };
        let audited = f64::from(settings.audited_bp) / 1e4;
        match self {
            Attack::Honest => Conduct::default(),
            Attack::Lazy => lazy,
            Attack::Bribed => bribing,
            Attack::LastReveal => Conduct { bribed: bribed.max(1), withholds: true, ..lazy },
            Attack::Grind => Conduct { roots: ROOTS, ..bribing },
            Attack::KnownSecrets => Conduct { roots: ROOTS, knows_secrets: true, ..lazy },
            Attack::Collusion => Conduct { weight: settings.weight, ..bribing },
            // One to be convicted over that no honest verifier has found.
            Attack::TurnIn => Conduct { turns_itself_in: true, false_segments: lazy.false_segments.max(2), ..bribing },
            Attack::Hide => Conduct { hides: true, ..bribing },
            Attack::Escape => Conduct { hides: true, bribed: bribed.max(1), withholds: true, ..lazy },
            Attack::Audited | Attack::Market => Conduct { audited, ..bribing },
            Attack::Idle => Conduct { idle: f64::from(settings.idle_bp) / 1e4, ..Conduct::default() },
            Attack::Accuse => {
                let undrawn = settings.segments - u32::from(settings.samples);
                Conduct { bribed, accusations: undrawn.min(ACCUSATIONS), ..Conduct::default() }
            }
            Attack::FalseReport => Conduct { bribed, reports_falsely: true, ..Conduct::default() },
        }
    }

    /// The probability that a job with this cast becomes final.
    fn passes(self, settings: &Settings, cast: &Cast) -> f64 {
        let (crowd, conduct, seats) = (cast.crowd(), &cast.conduct, settings.panel.into());
        let draw = settings.draw(conduct.false_segments);
        let caught = crowd.drawn_passes(seats);
        match self {
            Attack::Honest => 1.0,
            Attack::Lazy | Attack::Bribed | Attack::Grind | Attack::Collusion => draw.passes(caught, 1.0),
            Attack::LastReveal => {
                let first = self.first_throw(settings, cast);
                first + (1.0 - first) * draw.passes(crowd.without_a_bribed_one().drawn_passes(seats), 1.0)
            }
            Attack::Escape => {
                let first = self.first_throw(settings, cast);
                let without = crowd.without_a_bribed_one().one_of_bribed(settings.reports());
                first + (1.0 - first) * draw.passes(without, 1.0)
            }
            Attack::KnownSecrets => some_of(conduct.roots, draw.passes(0.0, 1.0)),
            Attack::TurnIn => draw.passes(crowd.bribed_share(), 1.0) + draw.passes(caught - crowd.bribed_share(), 0.0),
            Attack::Hide => draw.passes(crowd.one_of_bribed(settings.reports()), 1.0),
            Attack::Audited | Attack::Market => {
                let upheld = crowd.bribed_majority(seats);
                draw.passes(caught, 1.0 - conduct.audited * (1.0 - upheld))
            }
            Attack::Idle => 1.0 - some_of(settings.samples.into(), conduct.idle.powi(settings.rounds() as i32)),
            Attack::Accuse => 1.0 - some_of(conduct.accusations, crowd.bribed_majority(seats)),
            Attack::FalseReport => 1.0 - some_of(settings.samples.into(), crowd.all_bribed(settings.reports())),
        }
    }

    /// The probability that whoever keeps a secret back has no reason to: of
    /// `last-reveal` that no honest verifier has a false segment, of `escape` that
    /// the operator is not convicted.
    fn first_throw(self, settings: &Settings, cast: &Cast) -> f64 {
        let crowd = cast.crowd();
        let drawn_passes = match cast.conduct.hides {
            true => crowd.one_of_bribed(settings.reports()),
            false => crowd.bribed_share(),
        };
        settings.draw(cast.conduct.false_segments).passes(drawn_passes, 1.0)
    }

    /// Takes down what came of a job, and what the formulas expected.
    fn measure(self, settings: &Settings, cast: &Cast, played: &Played, meters: &mut Meters) {
        let passes = self.passes(settings, cast);
        let amount = |sum: u128| sum as f64;
        let cheats = cast.conduct.false_segments > 0;
        let stake = amount(settings.stake().expect("settings are checked"));
        let honest_profit = amount(settings.payment) - f64::from(settings.segments) * amount(settings.segment_cost);
        let saved = f64::from(cast.conduct.false_segments) * amount(settings.segment_cost);
        let gain = if cheats { amount(settings.gain) } else { 0.0 };
        // What the operator gains over honest work if it loses so much of its stake
        // whenever the job does not become final.
        let over = |lost: f64| Expected::either(passes, saved + gain, saved - amount(settings.payment) - lost);
        let over_honest = played.operator - honest_profit;
        let kind = if cheats { CHEATS_PASS } else { "honest work passes" };
        meters.compare(kind, Unit::Share, indicator(played.passed), Expected::either(passes, 1.0, 0.0));
        match self {
            Attack::Market if !cheats => meters.compare("honest operator", Unit::Money, played.operator, honest_profit),
            Attack::Market => meters.compare("cheat, over an honest one", Unit::Money, over_honest, over(stake)),
            // Void at the worst, which costs no stake.
            Attack::Idle => meters.compare(OPERATOR, Unit::Money, over_honest, over(0.0)),
            // Upheld by a panel, it earns by each bond that is lost.
            Attack::Accuse => meters.note(OPERATOR, Unit::Money, over_honest),
            _ => meters.compare(OPERATOR, Unit::Money, over_honest, over(stake)),
        }
        if self == Attack::TurnIn {
            // Unless every false segment was drawn and met an honest verifier, the
            // accomplice comes first, and gets half of what is not burned.
            let (draw, bribed) = (settings.draw(cast.conduct.false_segments), cast.crowd().bribed_share());
            let turned_in = 1.0 - draw.passes(bribed, 1.0) - draw.passes(1.0 - bribed, 0.0);
            let alone = over(stake);
            let together = Expected { mean: alone.mean + turned_in * stake / 4.0, ..alone };
            meters.compare(WITH_ACCOMPLICE, Unit::Money, over_honest + played.accomplice, together);
        }
        if self == Attack::Honest {
            let (slots, cost) = (f64::from(settings.samples), amount(settings.segment_cost));
            let fee = amount(settings.fee / u128::from(settings.samples));
            meters.compare("honest verifiers", Unit::Money, played.honest, slots * (fee - cost));
        } else {
            meters.note("honest verifiers", Unit::Money, played.honest);
        }
        match self {
            Attack::Accuse => {
                meters.compare(CONSPIRATORS, Unit::Money, played.conspirators, accusers_gain(settings, cast))
            }
            Attack::FalseReport => {
                meters.compare(CONSPIRATORS, Unit::Money, played.conspirators, reporters_gain(settings, cast))
            }
            _ if cast.conduct.bribed > 0 => meters.note(CONSPIRATORS, Unit::Money, played.conspirators),
            _ => {}
        }
        self.measure_price(settings, cast, played, passes, meters);
    }

    /// What an attack buys beyond a plain cheat, and what it pays for that.
    fn measure_price(self, settings: &Settings, cast: &Cast, played: &Played, passes: f64, meters: &mut Meters) {
        let (crowd, draw) = (cast.crowd(), settings.draw(cast.conduct.false_segments));
        let penalty = share(settings.bond, IDLE_PENALTY_BP) as f64;
        match self {
            Attack::LastReveal | Attack::Escape => {
                let bad = 1.0 - self.first_throw(settings, cast);
                let plain = match cast.conduct.hides {
                    true => 1.0 - bad,
                    false => draw.passes(crowd.drawn_passes(settings.panel.into()), 1.0),
                };
                let bias = Expected::either(passes, 1.0 - plain, -plain);
                meters.compare("bias bought", Unit::Share, indicator(played.passed) - plain, bias);
                let kept_back = Expected::either(bad, 1.0, 0.0);
                meters.compare("secret kept back", Unit::Share, indicator(played.withheld), kept_back);
                let paid = Expected::either(bad, -penalty, 0.0);
                meters.compare("who kept it back", Unit::Money, played.withholder, paid);
            }
            Attack::Audited | Attack::Market => meters.note("challengers", Unit::Money, played.challengers),
            Attack::Idle => {
                let missed = (1..=settings.rounds()).map(|turn| cast.conduct.idle.powi(turn as i32));
                let turns = f64::from(settings.samples) * missed.sum::<f64>();
                meters.compare("turns missed", Unit::Count, played.idle_turns.into(), turns);
                meters.compare("burned", Unit::Money, played.burned, turns * penalty);
            }
            Attack::Accuse => meters.note("accusations", Unit::Count, played.accusations.into()),
            _ => {}
        }
    }
}

/// 1 for what happened, 0 for what did not.
fn indicator(happened: bool) -> f64 {
    u8::from(happened).into()
}

/// What conspirators expect to gain by accusing an honest operator: their slots'
/// fees, and, if the `c`-th panel is the first of theirs and `c` is not too many,
/// half of the stake (to the accuser and its panel) less `c - 1` bonds, of each of
/// which the winning panel, with their own minority on it, shares a quarter.
fn accusers_gain(settings: &Settings, cast: &Cast) -> f64 {
    let (crowd, seats) = (cast.crowd(), settings.panel.into());
    let theirs = crowd.bribed_majority(seats);
    let stake = settings.stake().expect("settings are checked") as f64;
    let lost = settings.bond as f64 * (1.0 - crowd.minority_share(seats) / 4.0);
    let won = |tries: u32| theirs * (1.0 - theirs).powi(tries as i32) * (stake / 2.0 - f64::from(tries) * lost);
    let fees = (settings.fee / u128::from(settings.samples)) as f64 * f64::from(settings.samples);
    fees * crowd.bribed_share() + (0..cast.conduct.accusations).map(won).sum::<f64>()
}

/// What conspirators expect to gain by reporting what is served: if one slot draws
/// enough of them one after another they pay their penalties, and the stake is
/// burned; if none does they earn their slots' fees.
fn reporters_gain(settings: &Settings, cast: &Cast) -> f64 {
    let (crowd, slots) = (cast.crowd(), u32::from(settings.samples));
    let one = crowd.all_bribed(settings.reports());
    let paid = f64::from(settings.reports()) * share(settings.bond, IDLE_PENALTY_BP) as f64;
    let fees = (settings.fee / u128::from(settings.samples)) as f64 * f64::from(slots);
    let nowhere_else = 1.0 - some_of(slots - 1, one);
    fees * (crowd.bribed_share() - one) * nowhere_else - some_of(slots, one) * paid
}

fn account(kind: u8, number: u32) -> Address {
    let mut address = Address([kind; 20]);
    address.0[..4].copy_from_slice(&number.to_le_bytes());
    address
}

/// Casts a job. The first of the verifiers are bribed, the first of the operators cheat.
fn cast(attack: Attack, settings: &Settings, rng: &mut Rng) -> Cast {
    let mut conduct = attack.conduct(settings);
    let corrupt = Settings::share_of(settings.verifiers, settings.bribed_bp);
    let operator = rng.u32(0..settings.operators);
    let mut numbers = if attack == Attack::Market {
        if operator >= Settings::share_of(settings.operators, settings.lazy_bp) {
            conduct.false_segments = 0;
        }
        rng.choose_multiple(0..settings.verifiers, settings.enlisted as usize)
    } else {
        // Exactly as many bribed ones as the conduct says.
        let honest = (settings.enlisted - conduct.bribed) as usize;
        let mut numbers = rng.choose_multiple(corrupt.max(conduct.bribed)..settings.verifiers, honest);
        numbers.extend(rng.choose_multiple(0..corrupt.max(conduct.bribed), conduct.bribed as usize));
        numbers
    };
    if attack == Attack::Market {
        conduct.bribed = numbers.iter().filter(|number| **number < corrupt).count() as u32;
    }
    numbers.sort_by_key(|number| *number < corrupt.max(conduct.bribed));
    let verifiers = numbers.into_iter().map(|number| account(b'v', number)).collect();
    Cast { client: account(b'c', rng.u32(..)), operator: account(b'o', operator), verifiers, conduct }
}

/// Simulates `settings.jobs` jobs under an attack; `each` is called after each job.
/// The same settings give the same rows.
///
/// # Errors
/// If the market refuses what an agent does.
///
/// # Panics
/// If the settings are not [`Settings::check`]ed, or money comes or goes.
pub fn simulate(attack: Attack, settings: &Settings, mut each: impl FnMut()) -> Result<Vec<Row>, Refused> {
    let mut rng = Rng::with_seed(settings.seed ^ (attack as u64) << 32);
    let mut chain = Chain::new()?;
    let mut meters = Meters::default();
    for _ in 0..settings.jobs {
        let cast = cast(attack, settings, &mut rng);
        let played = play(&mut chain, settings, &cast, &mut rng)?;
        attack.measure(settings, &cast, &played, &mut meters);
        each();
    }
    Ok(meters.rows(attack.name()))
}
