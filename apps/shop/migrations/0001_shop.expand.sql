-- Products with their stock, and the orders for them.

create table shop.product (
    id uuid primary key,
    name text not null,
    price bigint not null check (price >= 0),       -- cents
    stock bigint not null check (stock >= 0)        -- whatever the code does, nothing is oversold
) with (fillfactor = 80);

create index product_by_name on shop.product (name, id);

create table shop.order_ (
    id uuid primary key,
    product uuid not null references shop.product,
    quantity integer not null check (quantity between 1 and 1000),
    state text not null default 'placed' check (state in ('placed', 'reserved', 'rejected')),
    placed_at timestamptz not null default now()
) with (fillfactor = 80);
