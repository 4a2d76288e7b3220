"""Tests of set-up, the notebook runner and the reports: no network, no file outside a
temporary folder, and none of what the machine has in its cache but Python itself."""
