SELECT x::text, a == b, `c`, $1, E'\n', $$x$$, U&"d", r'e', INTERVAL '1' DAY FROM a JOIN b USING (c) WHERE d IN (SELECT 1) FETCH FIRST 2 ROWS ONLY
