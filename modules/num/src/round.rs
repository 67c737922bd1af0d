//! Rounding directions.

/// Where a quotient that is not whole goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Toward minus infinity.
    Floor,
    /// Toward plus infinity.
    Ceil,
    /// Toward zero.
    Trunc,
}

impl Round {
    /// Whether a quotient of this sign that is not whole moves one further from zero than its truncation.
    pub(crate) fn is_away(self, negative: bool) -> bool {
        match self {
            Self::Trunc => false,
            Self::Floor => negative,
            Self::Ceil => !negative,
        }
    }
}
