"""A scripted provider: six dialects, whole and streamed, over one small mind.

A dialect module reads a request into an `Ask` (refusing what the real provider refuses) and writes an `Answer`;
`script.answer` says which answer an ask gets. So every journey has one expectation, whatever the dialect upstream.
"""
