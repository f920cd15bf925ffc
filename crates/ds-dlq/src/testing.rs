//! For tests: a backlog in memory, and the contract that every backlog keeps.
