"""The hub: one page that shows how all Pis of a hosts file are."""
