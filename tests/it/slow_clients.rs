//! Clients that stop reading: what they cost, when they go, and that nobody else notices.
