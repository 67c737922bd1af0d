//! `ballastd top`: markets, a book, an account and the validators' votes, drawn anew as blocks come.

use std::io::IsTerminal as _;
use std::time::Duration;

use client::{usd, Client, Decimal, Market};
use proto::ballast::query::v1::{AccountRisk, OracleVotesResponse, OrderbookResponse};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::widgets::{Block, Paragraph};
use ratatui::{DefaultTerminal, Frame};

use crate::failure::{Failure, Outcome};
use crate::home::HomeArgs;
use crate::output::{dollars, pairs, percent, signed, table};
use crate::query::{Asker, Common};

/// How often the node is asked.
const PACE: Duration = Duration::from_millis(500);
/// How often keys are looked for.
const GLANCE: Duration = Duration::from_millis(50);
/// Levels of each side of a book.
const DEPTH: u32 = 12;

/// Options of `top`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// An account to show: address, or name of a key
    account: Option<String>,
    /// Number of its subaccount
    #[arg(default_value_t = 0)]
    number: u32,
    /// Market whose book is shown first: BTC-USD, BTC or its number
    #[arg(long, default_value = "0")]
    market: String,
    /// Print one picture and stop
    #[arg(long)]
    once: bool,
    /// gRPC address of the node
    #[arg(long, env = "BALLAST_NODE", default_value = "http://127.0.0.1:9090", value_name = "URL")]
    node: String,
    #[command(flatten)]
    home: HomeArgs,
}

/// Draw until somebody presses `q`.
pub(crate) fn run(args: &Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::refused)?.block_on(watch(args))
}

async fn watch(args: &Args) -> Outcome {
    let common = Common::of(&args.node, &args.home);
    let asker = Asker::new(&common).await?;
    let account = match &args.account {
        Some(account) => Some((asker.address(account).await?, args.number)),
        None => None,
    };
    let mut shown = asker.client.market(&args.market).await?.id;
    if args.once || !std::io::stdout().is_terminal() {
        let picture = Picture::of(&asker.client, shown, account.as_ref()).await?;
        crate::output::write(&picture.text());
        return Ok(());
    }
    let mut screen = Screen(ratatui::try_init().map_err(Failure::refused)?);
    loop {
        // A node that is away for a moment leaves the old picture.
        if let Ok(picture) = Picture::of(&asker.client, shown, account.as_ref()).await {
            screen.0.draw(|frame| picture.draw(frame)).map_err(Failure::refused)?;
            match pressed().await {
                Pressed::Stop => return Ok(()),
                Pressed::Turn(by) => shown = picture.neighbour(by),
                Pressed::Nothing => {}
            }
        } else if pressed().await == Pressed::Stop {
            return Ok(());
        }
    }
}

/// A terminal that is given back as it was.
struct Screen(DefaultTerminal);

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pressed {
    Stop,
    /// Another market, so many further.
    Turn(isize),
    Nothing,
}

async fn pressed() -> Pressed {
    for _ in 0..PACE.as_millis() / GLANCE.as_millis() {
        while event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(Event::Key(key)) = event::read() else { continue };
            match meaning(key.code, key.modifiers) {
                Pressed::Nothing => {}
                wish => return wish,
            }
        }
        tokio::time::sleep(GLANCE).await;
    }
    Pressed::Nothing
}

fn meaning(code: KeyCode, modifiers: KeyModifiers) -> Pressed {
    match code {
        KeyCode::Char('q') | KeyCode::Esc => Pressed::Stop,
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Pressed::Stop,
        KeyCode::Down | KeyCode::Right | KeyCode::Tab | KeyCode::Char('j') => Pressed::Turn(1),
        KeyCode::Up | KeyCode::Left | KeyCode::BackTab | KeyCode::Char('k') => Pressed::Turn(-1),
        _ => Pressed::Nothing,
    }
}

/// All that is shown, of about one height.
struct Picture {
    height: u64,
    markets: Vec<Market>,
    funding: Vec<client::Funding>,
    shown: u32,
    book: OrderbookResponse,
    account: Option<(String, u32, AccountRisk)>,
    votes: OracleVotesResponse,
    insurance: i128,
}

impl Picture {
    async fn of(client: &Client, shown: u32, account: Option<&(String, u32)>) -> Result<Self, client::Error> {
        let account = match account {
            Some((owner, number)) => {
                let risk = client.account_risk(owner, *number, Vec::new()).await?;
                Some((owner.clone(), *number, risk.now.unwrap_or_default()))
            }
            None => None,
        };
        Ok(Self {
            height: client.height().await?,
            markets: client.markets().await?,
            funding: client.funding().await?,
            shown,
            book: client.orderbook(shown, DEPTH).await?,
            account,
            votes: client.votes().await?,
            insurance: client.insurance().await?.1,
        })
    }

    fn market(&self, id: u32) -> Option<&Market> {
        self.markets.iter().find(|market| market.id == id)
    }

    /// The market so many places after the one that is shown, around the end.
    fn neighbour(&self, by: isize) -> u32 {
        let ids: Vec<_> = self.markets.iter().map(|market| market.id).collect();
        let at = ids.iter().position(|id| *id == self.shown).unwrap_or_default();
        let count = isize::try_from(ids.len()).unwrap_or(1).max(1);
        let next = (isize::try_from(at).unwrap_or_default() + by).rem_euclid(count);
        usize::try_from(next).ok().and_then(|next| ids.get(next)).copied().unwrap_or(self.shown)
    }

    fn title(&self) -> String {
        let fund = signed(self.insurance, usd);
        format!("height {}   insurance fund {fund} USD   arrows: market   q: stop", self.height)
    }

    fn market_table(&self) -> String {
        let row = |market: &Market| {
            let funding = self.funding.iter().find(|funding| funding.market == market.id);
            vec![
                if market.id == self.shown { "*" } else { "" }.into(),
                market.ticker.clone(),
                market.oracle_price().map_or_else(|| "none".into(), |price| price.to_string()),
                signed(market.open_interest, |open| market.size(open)),
                funding.map_or_else(String::new, |funding| funding.predicted_ppm.to_string()),
            ]
        };
        let rows: Vec<_> = self.markets.iter().map(row).collect();
        table(&["", "MARKET", "ORACLE", "OPEN INTEREST", "FUNDING ppm/8h"], &rows)
    }

    fn book_table(&self) -> String {
        let Some(market) = self.market(self.shown) else { return String::new() };
        let side = |name: &str, levels: &[proto::ballast::query::v1::Level], turned: bool| {
            let row = |level: &proto::ballast::query::v1::Level| {
                let (price, size) = (market.price(level.subticks), market.size(level.quantums.into()));
                vec![name.to_owned(), price.to_string(), size.to_string(), level.orders.to_string()]
            };
            let mut rows: Vec<_> = levels.iter().map(row).collect();
            if turned {
                rows.reverse();
            }
            rows
        };
        let rows = [side("ask", &self.book.asks, true), side("bid", &self.book.bids, false)].concat();
        table(&["", "PRICE", "SIZE", "ORDERS"], &rows)
    }

    fn account_text(&self) -> String {
        let Some((owner, number, risk)) = &self.account else {
            return "name an account to see it: ballastd top ACCOUNT".into();
        };
        let head = pairs(&[
            ("account", format!("{owner}/{number}")),
            ("equity", dollars(&risk.equity)),
            ("initial margin", dollars(&risk.initial_margin)),
            ("maintenance", dollars(&risk.maintenance_margin)),
            ("free", dollars(&risk.free_collateral)),
            ("margin ratio", percent(&risk.margin_ratio_ppm)),
        ]);
        let row = |position: &proto::ballast::query::v1::PositionRisk| {
            let market = self.market(position.market_id)?;
            let (_, exponent) = market.oracle?;
            let price = |price: u64| match price {
                0 => "none".into(),
                price => Decimal::scaled(price.into(), exponent).to_string(),
            };
            Some(vec![
                market.ticker.clone(),
                signed(position.quantums.parse().ok()?, |base| market.size(base)),
                price(position.entry_price),
                price(position.liquidation_price),
                dollars(&position.unrealised_pnl),
            ])
        };
        let rows: Vec<_> = risk.positions.iter().filter_map(row).collect();
        if rows.is_empty() {
            return head;
        }
        format!("{head}\n\n{}", table(&["MARKET", "SIZE", "ENTRY", "LIQUIDATION", "PNL"], &rows))
    }

    fn votes_table(&self) -> String {
        let vote = |prices: &[proto::ballast::query::v1::MarketVote]| {
            let own = prices.iter().find(|vote| vote.market_id == self.shown)?;
            let (_, exponent) = self.market(self.shown)?.oracle?;
            Some(Decimal::scaled(own.price.into(), exponent).to_string())
        };
        let row = |validator: &proto::ballast::query::v1::ValidatorPrices| {
            let address: String = hex::encode(&validator.validator_address).chars().take(8).collect();
            vec![
                address,
                validator.power.to_string(),
                vote(&validator.prices).unwrap_or_else(|| "none".into()),
                validator.prices.len().to_string(),
                validator.silent.to_string(),
            ]
        };
        let rows: Vec<_> = self.votes.validators.iter().map(row).collect();
        table(&["VALIDATOR", "POWER", "VOTE", "MARKETS", "SILENT"], &rows)
    }

    /// Each part under its name, for where there is no terminal.
    fn text(&self) -> String {
        let book = self.market(self.shown).map_or("BOOK".into(), |market| market.ticker.clone());
        let parts = [
            self.title(),
            self.market_table(),
            format!("{book}\n{}", self.book_table()),
            self.account_text(),
            self.votes_table(),
        ];
        parts.join("\n\n")
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let most = u16::try_from(self.markets.len()).unwrap_or(u16::MAX).saturating_add(3);
        let [top, bottom] = Layout::vertical([Constraint::Max(most), Constraint::Min(8)]).areas(frame.area());
        let [left, middle, right] =
            Layout::horizontal([Constraint::Fill(3), Constraint::Fill(4), Constraint::Fill(3)]).areas(bottom);
        let book = self.market(self.shown).map_or("book".into(), |market| market.ticker.clone());
        let panes = [
            (self.title(), self.market_table(), top),
            (book, self.book_table(), left),
            ("account".into(), self.account_text(), middle),
            ("votes".into(), self.votes_table(), right),
        ];
        for (title, text, area) in panes {
            frame.render_widget(Paragraph::new(text).block(Block::bordered().title(title)), area);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stop_or_turn_to_another_market() {
        let none = KeyModifiers::NONE;
        assert_eq!(meaning(KeyCode::Char('q'), none), Pressed::Stop);
        assert_eq!(meaning(KeyCode::Char('c'), KeyModifiers::CONTROL), Pressed::Stop);
        assert_eq!(meaning(KeyCode::Char('c'), none), Pressed::Nothing);
        assert_eq!(meaning(KeyCode::Down, none), Pressed::Turn(1));
        assert_eq!(meaning(KeyCode::Up, none), Pressed::Turn(-1));
    }
}
