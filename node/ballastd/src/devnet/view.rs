//! What people see: a live picture of the chain on a terminal, lines elsewhere. Asked of the node like any
//! client would; only counts of past blocks come from inside.

use std::collections::{BTreeMap, VecDeque};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::Summary;
use client::{usd, Client, Market};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table};
use ratatui::{DefaultTerminal, Frame};

use crate::devnet::tally::{Counts, Tally};

/// How often the picture is drawn anew.
const REDRAW: Duration = Duration::from_millis(500);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
/// Pictures on a terminal over which rates are taken.
const AVERAGED: usize = 10;
const HEAD: [&str; 9] =
    ["MARKET", "ORACLE", "BID", "ASK", "LAST", "SPREAD bp", "OPEN INTEREST", "USD", "FUNDING ppm/8h"];

/// Whether people look.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// The picture, or the lines.
pub(crate) struct View {
    client: Client,
    tally: Arc<Tally>,
    terminal: Option<DefaultTerminal>,
    drawn_at: Option<Instant>,
    /// When, at which height and with how many transactions the latest pictures were made.
    past: VecDeque<(Instant, u64, u64)>,
    stop: bool,
}

/// What a picture shows.
struct Picture {
    time: i64,
    counts: Counts,
    blocks_per_second: f64,
    per_second: f64,
    insurance: i128,
    rows: Vec<[String; 9]>,
}

impl View {
    /// A picture when `picture` says so, otherwise lines.
    pub(crate) fn new(client: Client, tally: Arc<Tally>, picture: bool) -> Self {
        let terminal = if picture { ratatui::try_init().ok() } else { None };
        Self {
            client,
            tally,
            terminal,
            drawn_at: None,
            past: VecDeque::from([(Instant::now(), 0, 0)]),
            stop: false,
        }
    }

    /// Whether somebody pressed `q` or Ctrl-C.
    pub(crate) fn asked_to_stop(&self) -> bool {
        self.stop
    }

    /// Show what is new, when it is time. A node that does not answer leaves the old picture.
    pub(crate) async fn tick(&mut self) {
        let every = if self.terminal.is_some() { REDRAW } else { LINE };
        self.read_keys();
        if self.drawn_at.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        self.drawn_at = Some(Instant::now());
        match self.picture().await {
            Ok(picture) => self.show(&picture),
            Err(error) => tracing::debug!(%error, "nothing to show"),
        }
    }

    fn read_keys(&mut self) {
        while self.terminal.is_some() && event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(Event::Key(key)) = event::read() else { continue };
            let interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
            self.stop |= interrupt || key.code == KeyCode::Char('q');
        }
    }

    async fn picture(&mut self) -> Result<Picture, client::Error> {
        let (_, time) = self.client.latest_block().await?;
        let counts = self.tally.counts();
        let mut rows = Vec::new();
        if self.terminal.is_some() {
            let funding = self.client.funding().await?;
            let rates: BTreeMap<u32, i32> =
                funding.iter().map(|row| (row.market, row.predicted_ppm)).collect();
            for market in self.client.markets().await? {
                let book = self.client.orderbook(market.id, 1).await?;
                let best = (book.bids.first().map(|it| it.subticks), book.asks.first().map(|it| it.subticks));
                rows.push(row(&market, best, &counts, rates.get(&market.id).copied()));
            }
        }
        let now = (Instant::now(), counts.height, counts.summary.transactions);
        let (at, height, transactions) = self.past.front().copied().unwrap_or(now);
        let seconds = at.elapsed().as_secs_f64().max(0.001);
        let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / seconds;
        self.past.push_back(now);
        let averaged = if self.terminal.is_some() { AVERAGED } else { 1 };
        if self.past.len() > averaged {
            self.past.pop_front();
        }
        Ok(Picture {
            time,
            blocks_per_second: rate(counts.height, height),
            per_second: rate(counts.summary.transactions, transactions),
            insurance: self.client.insurance().await?.1,
            counts,
            rows,
        })
    }

    fn show(&mut self, picture: &Picture) {
        match &mut self.terminal {
            Some(terminal) => drop(terminal.draw(|frame| draw(frame, picture))),
            None => eprintln!("{}", picture.line()),
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if self.terminal.take().is_some() {
            ratatui::restore();
        }
    }
}

impl Picture {
    fn line(&self) -> String {
        let Counts { height, refused, summary, .. } = &self.counts;
        let Summary { fills, liquidations, deleveragings, funding_payments, .. } = summary;
        format!(
            "height {height}  {:.1} blocks/s  {:.0} tx/s  fills {fills}  funding payments {funding_payments}  \
             liquidations {liquidations}  deleveragings {deleveragings}  refused {refused}  insurance {} USD",
            self.blocks_per_second,
            self.per_second,
            usd(self.insurance.unsigned_abs()),
        )
    }

    fn head(&self) -> Vec<Line<'static>> {
        let counts = &self.counts;
        let time = tendermint::Time::from_unix_timestamp(self.time, 0).map(|time| time.to_rfc3339());
        let fund = Line::from(format!(
            "insurance {} USD (paid {}, received {})   liquidations {}   deleveragings {}   laws checked {}",
            usd(self.insurance.unsigned_abs()),
            usd(counts.insurance_paid.unsigned_abs()),
            usd(counts.insurance_received.unsigned_abs()),
            counts.summary.liquidations,
            counts.summary.deleveragings,
            counts.summary.invariants_checked,
        ));
        let danger = counts.summary.deleveragings > 0 || counts.insurance_paid > 0;
        vec![
            Line::from(format!(
                "height {}   {}   {:.1} blocks/s   {:.0} tx/s   fills {}   funding payments {}",
                counts.height,
                time.unwrap_or_default(),
                self.blocks_per_second,
                self.per_second,
                counts.summary.fills,
                counts.summary.funding_payments,
            )),
            if danger { fund.style(Style::default().fg(Color::Red)) } else { fund },
        ]
    }
}

/// A market's row.
fn row(
    market: &Market,
    (bid, ask): (Option<u64>, Option<u64>),
    counts: &Counts,
    rate: Option<i32>,
) -> [String; 9] {
    let price =
        |subticks: Option<u64>| subticks.map_or_else(|| "-".into(), |it| market.price(it).to_string());
    let spread =
        bid.zip(ask).map(|(bid, ask)| (ask.saturating_sub(bid)) as f64 * 10_000.0 / bid.max(1) as f64);
    let coins = market.size(market.open_interest.unsigned_abs());
    let oracle = market.oracle_price();
    let dollars = oracle.map(|price| to_float(&price.to_string()) * to_float(&coins.to_string()));
    [
        market.ticker.clone(),
        oracle.map_or_else(|| "-".into(), |price| price.to_string()),
        price(bid),
        price(ask),
        price(counts.last_trades.get(&market.id).copied()),
        spread.map_or_else(|| "-".into(), |spread| format!("{spread:.1}")),
        coins.to_string(),
        dollars.map_or_else(|| "-".into(), |dollars| format!("{dollars:.0}")),
        rate.map_or_else(|| "-".into(), |rate| rate.to_string()),
    ]
}

/// For the eye only.
fn to_float(text: &str) -> f64 {
    text.parse().unwrap_or_default()
}

fn draw(frame: &mut Frame<'_>, picture: &Picture) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(4), Constraint::Min(4), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(
        Paragraph::new(picture.head()).block(Block::bordered().title(" Ballast devnet ")),
        head,
    );
    let right = |text: &String| Cell::from(Line::from(text.clone()).right_aligned());
    let rows = picture.rows.iter().map(|row| {
        let mut cells = vec![Cell::from(row[0].clone()).style(Modifier::BOLD)];
        cells.extend(row[1..].iter().map(right));
        Row::new(cells)
    });
    let names = HEAD.iter().enumerate().map(|(place, name)| {
        let line = Line::from(*name);
        Cell::from(if place == 0 { line } else { line.right_aligned() })
    });
    let widths = [10, 14, 12, 12, 12, 9, 16, 12, 14].map(Constraint::Length);
    let names = Row::new(names).style(Modifier::DIM);
    frame.render_widget(Table::new(rows, widths).header(names).column_spacing(1), body);
    frame.render_widget(Paragraph::new("q or Ctrl-C stops").style(Modifier::DIM), foot);
}
