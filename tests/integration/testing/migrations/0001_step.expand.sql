create table kit.step (
    chain uuid not null,
    number integer not null,
    primary key (chain, number)
);
