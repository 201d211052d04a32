"""For the tests of those who use kubeinfer-sim."""
