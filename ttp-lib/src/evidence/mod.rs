//! What a table of scores on one split of one source does not say: how models do elsewhere.

pub mod external;
