//! What a run begins with: odd markets, poor and rich accounts.

use num_traits::Zero;

use crate::chain::Chain;
use crate::fee::{Fees, Tier};
use crate::funding::Funding;
use crate::ledger::Ledger;
use crate::liquidate::Rules;
use crate::money::{int, Int};
use crate::orders::{Bounds, Exchange};
use crate::pots::Pots;
use crate::terms::{Account, Market, Status};

#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Genesis time.
    pub(crate) start: i64,
    pub(crate) owners: usize,
    /// Owner and number of each account, in the order of ids.
    pub(crate) accounts: Vec<(usize, u32)>,
    pub(crate) markets: Vec<Market>,
    pub(crate) bounds: Bounds,
    pub(crate) rules: Rules,
    /// Tick, sample, offset.
    pub(crate) funding: (i64, i64, i64),
    /// What each owner has.
    pub(crate) wealth: u64,
    pub(crate) fund: u64,
    /// What money that leaves must leave of the notional, in ppm.
    pub(crate) exit_ppm: i64,
    /// Share of fees that goes to insurance funds, in ppm; where fees of the window are forgotten, in seconds.
    pub(crate) fee_terms: (i64, i64),
}

fn market(id: u32, exponents: (i32, i32, i32), grid: (u64, u64), price: u64) -> Market {
    Market {
        id,
        price_exponent: exponents.0,
        atomic_resolution: exponents.1,
        conversion_exponent: exponents.2,
        step: grid.0,
        tick: grid.1,
        min_price_change: 1_000,
        initial_ppm: 50_000,
        fraction_ppm: 600_000,
        lower_cap: 0,
        upper_cap: 0,
        cap: None,
        impact_notional: 50_000_000,
        default_funding: 0,
        isolated: false,
        status: Status::Active,
        price,
        priced_at: None,
        open: Int::zero(),
        index: Int::zero(),
        samples: (Int::zero(), 0),
    }
}

fn tier(volume: u64, (total_share, maker_share): (i64, i64), (maker_ppm, taker_ppm): (i64, i64)) -> Tier {
    Tier { volume, total_share, maker_share, maker_ppm, taker_ppm }
}

impl Setting {
    /// Four markets whose steps, ticks and prices divide nothing evenly.
    pub(crate) fn odd() -> Self {
        let markets = vec![
            market(0, (-5, -10, -9), (1_000, 100_000), 2_868_819_524),
            Market {
                default_funding: 137,
                lower_cap: 20_000_000_000,
                upper_cap: 90_000_000_000,
                ..market(1, (-9, -6, -9), (1_003, 1_009), 7_204_646_989)
            },
            Market {
                initial_ppm: 100_001,
                fraction_ppm: 500_003,
                default_funding: -91,
                ..market(2, (-8, -7, -7), (7, 13), 2_350_695_125)
            },
            Market {
                isolated: true,
                initial_ppm: 33_333,
                fraction_ppm: 777_777,
                ..market(5, (-3, -3, 0), (1, 3), 77_777)
            },
        ];
        Self {
            start: 1_767_225_600,
            owners: 7,
            accounts: (0..7).flat_map(|owner| [(owner, 0), (owner, 3)]).collect(),
            markets,
            bounds: Bounds {
                tiers: vec![
                    tier(0, (0, 0), (-110, 497)),
                    tier(300_000_000, (0, 0), (-90, 451)),
                    tier(900_000_000, (50_000, 0), (-131, 403)),
                    tier(900_000_000, (60_000, 110_000), (17, 311)),
                ],
                max_fills: 5,
                band: 20_011,
                max_resting: 4,
                short_term_per_block: 8,
                short_term_tiers: vec![(0, 3), (50_000_000, 30)],
                equity_tiers: vec![(0, 2), (200_000_000, 4), (20_000_000_000, 200)],
            },
            rules: Rules {
                max_fee: 15_001,
                min_notional: 1_000_000,
                portion: 333_333,
                account_notional: 5_000_000_000,
                insurance_lost: 20_000_000,
                adjustment: 1_000_003,
                spread: 1_500_007,
                turns: usize::MAX,
                covers: u32::MAX,
            },
            funding: (3600, 60, 30),
            wealth: 1_000_000_000_000_000,
            fund: 50_000_000,
            exit_ppm: 70_001,
            fee_terms: (70_001, 20_000),
        }
    }

    /// The model's side of it.
    pub(crate) fn chain(&self) -> Chain {
        let account =
            |(owner, number): &(usize, u32)| Account { owner: *owner, number: *number, ..Account::default() };
        let ledger = Ledger {
            markets: self
                .markets
                .iter()
                .map(|m| Market { priced_at: Some(self.start), ..m.clone() })
                .collect(),
            accounts: self.accounts.iter().map(account).collect(),
            wallets: vec![int(self.wealth); self.owners],
            pots: Pots::new(&self.markets, self.fund),
            collected: Int::zero(),
            max_age: 30,
            exit_ppm: self.exit_ppm,
            now: self.start,
            height: 0,
            gate_opens: 0,
        };
        let fees = Fees::new(self.bounds.tiers.clone(), self.owners, self.fee_terms);
        let exchange = Exchange::new(ledger, self.bounds.clone(), self.rules.clone(), fees);
        let (tick, sample, offset) = self.funding;
        Chain::new(exchange, Funding::new(tick, sample, offset, self.start))
    }
}
