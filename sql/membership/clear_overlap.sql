-- The matrix is written anew in the same transaction.
delete from segment.overlap
