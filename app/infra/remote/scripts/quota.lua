-- All quotas of one connection, together: settle what calls spent, then take for new ones. Runs once, as one.
-- KEYS 1 the state of the connection, 2 who spent how much in this hour
-- ARGV 1 the request (JSON), 2 an instant in ms (empty: the server's own clock)
-- request  quotas [{name, kind, limit, window in ms}], settle [...], take {count, amounts, share}, seeded, keep
-- answer   JSON: granted, wait in ms, why (a quota's name), at

local SLICES = 60           -- of a sliding window: it gives up a sixtieth of its length, and stays small
local LEASE = 90000         -- ms: no call lasts longer; what a dead process held is free after it
local LEASE_SLICE = 10000
local MARGIN = 0.02         -- of a bucket: between the model here and the truth there lies a call's time
local EDGE = 0.05           -- the last of a window is taken at its own pace, so that a limit that others share is met gently
local UNSURE = 0.5          -- where nobody knows yet whether others share it: the second half, at twice that pace
local TRUST = 1 / 3         -- of the limit: refused before so much of it was ours, others are not all of the reason
local SAMPLE = 2000         -- ms: over less, what is under way hides what others take

local request = cjson.decode(ARGV[1])
local now = tonumber(ARGV[2])
if not now then
  local clock = redis.call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
end
local raw = redis.call('GET', KEYS[1])
local state = raw and cjson.decode(raw) or {blocked = 0, quotas = {}}

local function spend(name, purpose, amount)
  if amount > 0 then redis.call('HINCRBYFLOAT', KEYS[2], name .. '|' .. purpose, amount) end
end

local function bucketed(q) return q.kind == 'leaky_bucket' or q.kind == 'graphql_cost' end

local function most(q, s) return s.limit or q.limit end

-- What others take, as learned: believed for two windows, then half of it forgotten every five.
local function others(q, s)
  if not s.others then return 0 end
  local past = now - s.learned - 2 * q.window
  return past <= 0 and s.others or s.others * 0.5 ^ (past / (5 * q.window))
end

local function learn(q, s, amount)
  s.others, s.learned = math.max(0, amount), now
end

local function held(s)
  local sum = 0
  for slice, amount in pairs(s.held) do
    if tonumber(slice) * LEASE_SLICE + LEASE < now then s.held[slice] = nil else sum = sum + amount end
  end
  return math.max(0, sum)
end

local function fresh(q)
  local s = {held = {}}
  if bucketed(q) then
    s.free, s.at = request.seeded and 0 or q.limit, now
    s.base, s.base_at, s.ours = s.free, now, 0
  elseif q.kind == 'sliding_window' then
    s.slices = {}
    if request.seeded then     -- the memory was lost, not the past: as if it had been used evenly
      local width = q.window / SLICES
      for back = 0, SLICES - 1 do
        s.slices[tostring(math.floor(now / width) - back)] = q.limit / SLICES
      end
    end
  elseif q.kind ~= 'concurrency' then
    s.ends = (math.floor(now / q.window) + 1) * q.window
    s.used = request.seeded and q.limit * (1 - (s.ends - now) / q.window) or 0
  end
  return s
end

local function restored(q, s) return s.restored or q.limit / q.window end

-- Bring a quota to this instant; returns what is ours in it and what may be taken.
local function roll(q, s)
  if bucketed(q) then
    local gain = math.max(0, restored(q, s) - others(q, s)) * (now - s.at)
    s.free, s.at = math.min(most(q, s), s.free + math.max(0, gain)), math.max(s.at, now)
    return most(q, s) - s.free, s.free - held(s) - MARGIN * most(q, s)
  elseif q.kind == 'concurrency' then
    local sum = held(s)
    return sum, most(q, s) - sum
  elseif q.kind == 'sliding_window' then
    local oldest, sum = math.floor(now / (q.window / SLICES)) - SLICES, 0
    for slice, amount in pairs(s.slices) do
      if tonumber(slice) < oldest then s.slices[slice] = nil else sum = sum + amount end
    end
    return sum, most(q, s) - others(q, s) - sum
  end
  if now >= s.ends then
    s.ends, s.used = s.ends + (math.floor((now - s.ends) / q.window) + 1) * q.window, 0
  end
  return s.used, most(q, s) - others(q, s) - s.used
end

-- How much of what is free may be taken now, and the ms until so much may.
local function paced(q, s, free, amount)
  if q.kind ~= 'sliding_window' and q.kind ~= 'fixed_window' then return free, 0 end
  local edge, gap = EDGE * most(q, s), q.window / most(q, s)
  if not s.others and free - amount >= edge then edge, gap = UNSURE * most(q, s), gap / 2 end
  if free - amount >= edge then return math.max(amount, free - edge), 0 end
  local due = math.min(free, (now - (s.last or 0)) / gap)
  return due, math.ceil((s.last or 0) + gap * amount - now)
end

local function until_free(q, s, lacking)
  if bucketed(q) then
    local rate = restored(q, s) - others(q, s)
    return rate > 0 and math.ceil(lacking / rate) or q.window
  elseif q.kind == 'concurrency' then
    return 100     -- nobody knows when a call ends
  elseif q.kind ~= 'sliding_window' then
    return s.ends - now
  end
  local width, numbers = q.window / SLICES, {}
  for slice in pairs(s.slices) do numbers[#numbers + 1] = tonumber(slice) end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    lacking = lacking - s.slices[tostring(number)]
    if lacking <= 0 then return math.ceil((number + SLICES + 1) * width - now) end
  end
  return q.window
end

local function change(q, s, at, amount)
  if q.kind == 'sliding_window' then
    local slice = tostring(math.floor(at / (q.window / SLICES)))
    s.slices[slice] = math.max(0, (s.slices[slice] or 0) + amount)
  elseif not bucketed(q) and q.kind ~= 'concurrency' then
    if amount > 0 or at >= s.ends - q.window then s.used = math.max(0, s.used + amount) end
  end
end

-- A bucket's answer tells the truth; what it lacks against the model since the last look, others have taken.
local function sample(q, s, available)
  local past = now - s.base_at
  local expected = s.base + restored(q, s) * past - s.ours
  if expected >= 0.98 * most(q, s) then     -- it was full, and what it would have restored is lost
    s.base, s.base_at, s.ours = available, now, 0
  elseif past >= SAMPLE then
    local rate = math.min(0.95 * restored(q, s), math.max(0, (expected - available) / past))
    spend(q.name, 'others', math.max(0, expected - available))
    learn(q, s, s.others and (s.others + rate) / 2 or rate)
    s.base, s.base_at, s.ours = available, now, 0
  end
  s.free, s.at = math.min(available, most(q, s)), now
end

local function reported(q, s, own, report)
  s.limit, s.restored = report.limit or s.limit, report.restored and report.restored / 1000 or s.restored
  if not report.available then return end
  if bucketed(q) then
    sample(q, s, report.available)
  elseif q.kind ~= 'concurrency' then
    if report.resets and q.kind ~= 'sliding_window' then s.ends = now + report.resets * 1000 end
    learn(q, s, most(q, s) - report.available - own)
  end
end

-- Refused by the vendor: what is not ours of a full quota is others'. The fullest quota is meant. As more that were
-- under way come back refused, what is ours becomes clearer, and what others take more; but while little of it is ours
-- they only say once more what the first has said, and a burst of them would leave nothing to anybody.
local function refused()
  local meant, share, ours = nil, -1, 0
  for _, q in ipairs(request.quotas) do
    local s = state.quotas[q.name]
    if q.kind ~= 'concurrency' then
      local own, free = roll(q, s)
      if 1 - free / most(q, s) > share then meant, share, ours = q, 1 - free / most(q, s), own end
    end
  end
  if not meant then return end
  local s = state.quotas[meant.name]
  if bucketed(meant) then return sample(meant, s, 0) end
  local before = others(meant, s)
  local missing = math.min(0.95 * most(meant, s), most(meant, s) - ours)
  if ours < TRUST * most(meant, s) then
    if state.blocked > now then return end
    missing = before + (missing - before) / 2
  end
  if missing > before then spend(meant.name, 'others', missing - before) end
  learn(meant, s, math.max(before, missing))
end

local function settle(entry)
  for _, q in ipairs(request.quotas) do
    local s, granted, spent = state.quotas[q.name], entry.granted[q.name] or 0, entry.spent[q.name] or 0
    if bucketed(q) or q.kind == 'concurrency' then
      local slice = tostring(math.floor(entry.at / LEASE_SLICE))
      if s.held[slice] then s.held[slice] = math.max(0, s.held[slice] - granted) end
    else
      change(q, s, entry.at, spent - granted)
    end
    local own = roll(q, s)
    if bucketed(q) then s.free, s.ours = s.free - spent, s.ours + spent end
    if q.kind ~= 'concurrency' then spend(q.name, entry.purpose, spent) end
    if entry.reports[q.name] then reported(q, s, own, entry.reports[q.name]) end
  end
  if entry.refused then
    refused()
    state.blocked = math.max(state.blocked, now + (entry.after or 0))
  end
end

local function take(wanted)
  local granted, wait, why = wanted.count, 0, ''
  if state.blocked > now then return 0, state.blocked - now, 'the remote itself' end
  for _, q in ipairs(request.quotas) do
    local s = state.quotas[q.name]
    local _, free = roll(q, s)
    local kept = wanted.share * most(q, s)
    local amount = math.min(wanted.amounts[q.name] or 0, math.max(1, (1 - MARGIN) * most(q, s) - kept))
    if amount > 0 then
      local now_free, later = paced(q, s, free - kept, amount)
      local count = math.floor(now_free / amount + 1e-9)
      if count < 1 then
        if free - kept < amount then later = math.max(later, until_free(q, s, amount - (free - kept))) end
        if later >= wait then wait, why = math.max(1, later), q.name end
      end
      granted = math.min(granted, math.max(0, count))
    end
  end
  if granted < 1 then return 0, wait, why end
  for _, q in ipairs(request.quotas) do
    local s, amount = state.quotas[q.name], granted * (wanted.amounts[q.name] or 0)
    if bucketed(q) or q.kind == 'concurrency' then
      local slice = tostring(math.floor(now / LEASE_SLICE))
      s.held[slice] = (s.held[slice] or 0) + amount
    else
      change(q, s, now, amount)
      s.last = math.max(s.last or 0, now)
    end
  end
  return granted, 0, ''
end

for _, q in ipairs(request.quotas) do
  local s = state.quotas[q.name]
  if not s or s.kind ~= q.kind or s.window ~= q.window then
    s = fresh(q)
    s.kind, s.window = q.kind, q.window
    state.quotas[q.name] = s
  end
end
for _, entry in ipairs(request.settle) do settle(entry) end
if request.look then     -- only looked at: nothing is kept
  local look = {}
  for _, q in ipairs(request.quotas) do
    local s = state.quotas[q.name]
    local used, free = roll(q, s)
    local taken = others(q, s) * (bucketed(q) and q.window or 1)
    if bucketed(q) then used = used + held(s) end
    look[q.name] = {used = used, free = free, others = taken, limit = most(q, s), blocked = math.max(0, state.blocked - now)}
  end
  return cjson.encode({look = look})
end
local granted, wait, why = 0, 0, ''
if request.take then granted, wait, why = take(request.take) end
if #request.settle > 0 or granted > 0 or not raw then
  redis.call('SET', KEYS[1], cjson.encode(state), 'PX', request.keep)
  redis.call('EXPIRE', KEYS[2], 90000)
end
return cjson.encode({granted = granted, wait = wait, why = why, at = now})
