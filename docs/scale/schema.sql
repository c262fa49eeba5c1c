-- Where load.sql puts headcount's records: psql -f schema.sql, once a database.
--
-- Quarters of hours, for hours and days of every zone begin with one (since 1972);
-- and minutes, of which old ones may be deleted: nothing rests on them. Of a
-- quarter's 15 minutes `minutes` has a bit for each that was counted.
\set ON_ERROR_STOP on
begin;
create extension if not exists hll;

create table headcount_minutes (
    stream text,
    who jsonb,
    start timestamptz,
    users hll(14, 5, -1, 1) not null,
    primary key (stream, who, start)
);

create table headcount_quarters (
    stream text,
    who jsonb,
    start timestamptz,
    users hll(14, 5, -1, 1) not null,
    minutes int not null,
    primary key (stream, who, start)
);

-- Rows of hours, days, weeks, months or years in a zone:
--     select start, uniques, minutes
--     from headcount('users', 'day', 'Europe/Zurich', '2016-07-01', '2016-08-01');
create function headcount(whose text, grain text, zone text, since timestamptz, until timestamptz)
returns table (start timestamptz, who jsonb, uniques bigint, minutes bigint, users hll)
language sql stable
begin atomic
    select bucket, rolled.who, round(# united)::bigint, counted, united
    from (
        select date_trunc(grain, had.start, zone) as bucket, had.who,
               sum(bit_count(had.minutes::bit(15))) as counted, hll_union_agg(had.users) as united
        from headcount_quarters as had
        where had.stream = whose and had.start >= since and had.start < until
        group by 1, 2
    ) as rolled
    order by bucket, rolled.who;
end;
commit;
