# SPDX-License-Identifier: GPL-2.0
# For sphinx-build: "sphinx-build Documentation build/html" makes pages of these documents.

project = "Trickles for Linux"
extensions = []
root_doc = "index"
exclude_patterns = []
# Code is shown as it stands: none of it is Python.
highlight_language = "none"
html_theme = "alabaster"
