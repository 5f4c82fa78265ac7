-- How the rows lie on disk.

-- Room on the page for new versions of rows that change with every posting.
ALTER TABLE credits_wallet SET (fillfactor = 50);
ALTER TABLE credits_creditgrant SET (fillfactor = 70);
