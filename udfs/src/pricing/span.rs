//! [`Span`]: the time around an instant in which nothing changes.

/// Half-open; times are microseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: i64,
    until: i64,
}

impl Span {
    pub const ALWAYS: Self = Self {
        from: i64::MIN,
        until: i64::MAX,
    };
    pub const NEVER: Self = Self {
        from: i64::MAX,
        until: i64::MIN,
    };

    /// The span around `at` between the nearest of these instants.
    pub fn around(at: i64, changes: impl IntoIterator<Item = i64>) -> Self {
        let mut span = Self::ALWAYS;
        span.narrow(at, changes);
        span
    }

    pub fn narrow(&mut self, at: i64, changes: impl IntoIterator<Item = i64>) {
        for instant in changes {
            if instant <= at {
                self.from = self.from.max(instant);
            } else {
                self.until = self.until.min(instant);
            }
        }
    }

    pub fn holds(self, at: i64) -> bool {
        self.from <= at && at < self.until
    }

    /// The time in which neither changes.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            until: self.until.min(other.until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_at_the_next_change() {
        let span = Span::around(10, [3, 10, 12, 20, -5]);
        let held = [9, 10, 11, 12].map(|at| span.holds(at));
        assert_eq!(held, [false, true, true, false]);
        assert!(Span::ALWAYS.holds(0) && !Span::NEVER.holds(0));
    }

    #[test]
    fn two_spans_share_what_lies_in_both() {
        let span = Span::around(10, [3, 12]).and(Span::around(10, [5, 20]));
        let held = [4, 5, 11, 12].map(|at| span.holds(at));
        assert_eq!(held, [false, true, true, false]);
        assert_eq!(span.and(Span::ALWAYS), span);
    }
}
