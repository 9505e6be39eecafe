-- One breaker: count what came back and move, in one step. Runs once, as one. app/infra/remote/breaker.py has the
-- same rules for a process that Redis has left alone; a test holds the two together.
-- KEYS 1 all breakers (field: connection), 2 the moves that the relay has not written down yet
-- ARGV 1 connection, 2 verb, 3 what is given (JSON), 4 policy (JSON), 5 an instant in ms (empty: the server's clock)
-- answer  JSON of the state, with `granted` probes and `wait` in ms

local SLICES, PROBE_LIFE = 10, 45000
local name, verb, given, policy = ARGV[1], ARGV[2], cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
local now = tonumber(ARGV[5])
if not now then
  local clock = redis.call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
end
local raw = redis.call('HGET', KEYS[1], name)
local s = raw and cjson.decode(raw)
  or {state = 'closed', until_ms = 0, since = 0, why = '', by = '', trips = 0, out = 0, out_until = 0, good = {}, bad = {}}

local function moved(to, why, by)
  s.state, s.since, s.why, s.by, s.good, s.bad, s.out = to, now, why, by, {}, {}, 0
  local move = {connection = name, to = to, why = why, by = by, at = now, trips = s.trips, until_ms = s.until_ms}
  redis.call('RPUSH', KEYS[2], cjson.encode(move))
  redis.call('LTRIM', KEYS[2], -1000, -1)
end

local function open(why)
  if s.state == 'closed' and now - s.since > policy.longest then s.trips = 0 end
  s.trips = s.trips + 1
  s.until_ms = now + math.min(policy.longest, policy.open * 2 ^ math.min(20, s.trips - 1))
  moved('open', why, 'hub')
end

local function close(why, by)
  s.until_ms = 0
  moved('closed', why, by)
end

local function counted(side)
  local oldest, sum = math.floor(now / (policy.window / SLICES)) - SLICES, 0
  for slice, n in pairs(side) do
    if tonumber(slice) <= oldest then side[slice] = nil else sum = sum + n end
  end
  return sum
end

local function record()
  if s.state == 'closed' then
    local slice = tostring(math.floor(now / (policy.window / SLICES)))
    s.good[slice], s.bad[slice] = (s.good[slice] or 0) + given.good, (s.bad[slice] or 0) + given.bad
    local good, bad = counted(s.good), counted(s.bad)
    if given.bad > 0 and good + bad >= policy.volume and bad / (good + bad) >= policy.ratio then open(given.why) end
    return
  end
  if not given.probe or s.state == 'held' then return end     -- late answers of before say nothing new
  s.out = math.max(0, s.out - (given.count or 1))
  if given.bad > 0 then
    if s.state == 'half_open' then open(given.why) end
  elseif given.good > 0 then
    close('a probe was answered', 'hub')
  end
end

local granted, wait = 0, 0
if verb == 'record' then
  record()
elseif verb == 'trip' then
  s.until_ms = 0
  moved('held', given.why, given.by)
elseif verb == 'reset' then
  s.trips = 0
  close(given.why, given.by)
elseif verb == 'restore' then     -- a process remembers what an emptied Redis has forgotten
  if not raw and given.state == 'open' then
    s.trips, s.until_ms = given.trips, given.until_ms
    moved('open', given.why, 'hub')
  end
elseif verb == 'probe' then
  if s.state == 'closed' then
    granted = given.count
  elseif s.state == 'held' then
    wait = policy.longest
  elseif s.state == 'open' and now < s.until_ms then
    wait = s.until_ms - now
  else
    if s.state == 'open' then s.state, s.since, s.out = 'half_open', now, 0 end
    if now >= s.out_until then s.out = 0 end     -- who asked for them has died
    granted = math.max(0, math.min(given.count, policy.probes - s.out))
    if granted > 0 then s.out, s.out_until = s.out + granted, now + PROBE_LIFE else wait = 1000 end
  end
end
redis.call('HSET', KEYS[1], name, cjson.encode(s))
s.granted, s.wait, s.now = granted, wait, now
return cjson.encode(s)
