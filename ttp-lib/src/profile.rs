//! A run's sizes, settings and seeds: one JSON file a profile.
