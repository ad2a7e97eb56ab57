create table desk.nothing (id bigint primary key);
