"""What an index's misses cost the ranking stage: hand-off, rankers, exact control."""
