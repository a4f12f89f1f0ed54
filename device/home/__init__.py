"""What a home hears of a run: MQTT with Home Assistant's discovery, and messages to a phone."""
