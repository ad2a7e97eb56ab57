create table shop.product (id uuid primary key, name text not null, stock bigint not null);
create table shop.order_ (id uuid primary key, product uuid not null, state text not null default 'placed');
create table shop.order_count (product uuid primary key, orders bigint not null, last text not null);
create table shop.total (product uuid primary key, quantity bigint not null);
create table shop.scarce (product uuid primary key);
