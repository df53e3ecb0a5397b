-- What the platform had before a restatement that failed is looked up by the order's number.
create index on conversion.delivery (transaction_id);
