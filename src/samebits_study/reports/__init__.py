"""The reports of a study: tables, figures and a page. They can be made again at any time from its document."""
