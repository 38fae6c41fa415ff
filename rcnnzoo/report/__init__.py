"""The report as one self-contained web page: `page.render`."""
