-- Partitions of WooCommerce's streams.
create table raw.woocommerce_customers partition of raw.record for values in ('woocommerce.customers');
create table raw.woocommerce_orders partition of raw.record for values in ('woocommerce.orders');
create table staging.woocommerce_customers partition of staging.person_record for values in ('woocommerce.customers');
create table staging.woocommerce_orders partition of staging.order_entry for values in ('woocommerce.orders');
