"""YouTube channels of creators: connected once, published to exactly once, looked after afterwards."""
