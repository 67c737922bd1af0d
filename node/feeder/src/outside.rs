//! A source in another process, asked over TCP: whoever connects is told all prices and then the end.
//!
//! The answer is text: a line `MARKET PRICE` for each market, whole numbers, the price in the market's own
//! exponent, and a last line `end`. An answer that is late, cut off, too long or strange counts as none.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Prices;

/// Longest answer that is read, bytes.
const LONGEST: u64 = 128 << 10;
/// How long an answer may take in all.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why there are no prices.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The connection failed, or took too long.
    #[error("the feeder at {0} does not answer: {1}")]
    Silent(SocketAddr, std::io::Error),
    /// The answer is too long, has no end, or holds something else than prices.
    #[error("the feeder at {0} answers with something that is no list of prices")]
    Strange(SocketAddr),
}

/// The connection to it; there is none between two questions.
#[derive(Clone, Copy, Debug)]
pub struct Outside {
    address: SocketAddr,
}

impl Outside {
    /// The feeder that listens at `address`.
    pub fn at(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Its prices now. Takes a second at most.
    pub fn ask(&self) -> Result<Prices, OutsideError> {
        let text = self.read().map_err(|error| OutsideError::Silent(self.address, error))?;
        read(&text).ok_or(OutsideError::Strange(self.address))
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        let end = Instant::now() + PATIENCE;
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        while u64::try_from(text.len()).unwrap_or(u64::MAX) <= LONGEST {
            let left = end.saturating_duration_since(Instant::now());
            stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            text.extend(buffer.iter().take(count));
            if left.is_zero() {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
        }
        Ok(text)
    }
}

/// What a feeder answers when these are its prices.
pub fn answer(prices: &Prices) -> String {
    let lines = prices.iter().map(|(market, price)| format!("{market} {price}\n"));
    lines.chain(["end\n".to_owned()]).collect()
}

/// The prices of an answer; nothing if it is none.
fn read(text: &[u8]) -> Option<Prices> {
    if u64::try_from(text.len()).ok()? > LONGEST {
        return None;
    }
    let lines = std::str::from_utf8(text).ok()?.strip_suffix("end\n")?;
    let mut prices = Prices::new();
    for line in lines.lines() {
        let (market, price) = line.split_once(' ')?;
        prices.insert(market.parse().ok()?, price.parse().ok()?);
    }
    Some(prices)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// What becomes of an answer of these bytes.
    fn told(bytes: Vec<u8>) -> Result<Prices, OutsideError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let outside = Outside::at(listener.local_addr().unwrap());
        let feeder = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(&bytes);
        });
        let answer = outside.ask();
        feeder.join().unwrap();
        answer
    }

    #[test]
    fn prices_arrive_as_they_were_sent() {
        let prices = Prices::from([(0, 9_000_000_000), (33, 1), (7, u64::MAX)]);
        assert_eq!(told(answer(&prices).into_bytes()).unwrap(), prices);
        assert_eq!(told(answer(&Prices::new()).into_bytes()).unwrap(), Prices::new());
    }

    #[test]
    fn orc_07_an_answer_that_is_cut_off_or_strange_or_endless_is_none() {
        for text in ["", "0 17\n", "0 17\nen", "0 17\n1 -5\nend\n", "0\nend\n", "x y\nend\n", "0 1.5\nend\n"]
        {
            assert!(matches!(told(text.into()), Err(OutsideError::Strange(_))), "{text}");
        }
        assert!(matches!(told(vec![0xFF; 10]), Err(OutsideError::Strange(_))));
        let flood = "7 9\n".repeat(1 << 20) + "end\n";
        assert!(told(flood.into_bytes()).is_err());
    }

    #[test]
    fn orc_07_a_feeder_that_is_not_there_or_says_nothing_is_an_error_and_no_wait_without_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let outside = Outside::at(listener.local_addr().unwrap());
        assert!(matches!(outside.ask(), Err(OutsideError::Silent(..))), "it hangs");
        drop(listener);
        assert!(matches!(outside.ask(), Err(OutsideError::Silent(..))), "it is gone");
    }
}
