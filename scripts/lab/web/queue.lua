-- The queue of work, fair to clients: whoever waits gets turns round robin, so that one client with
-- a hundred pictures delays another one's first by one picture. Each client's own are in order.

local queue = {}

---@class lab.WebQueue
---@field length integer
local Queue = {}
Queue.__index = Queue

--- An empty queue.
---@param options { total: integer, each: integer }  how many may wait, in all and of one client
---@return lab.WebQueue
function queue.new(options)
  return setmetatable({ total = options.total, each = options.each, length = 0, order = {},
    lists = {} }, Queue)
end

--- Puts something at a client's end.
---@param client string
---@param item table
---@return integer? position  how many are taken before it
---@return string? message    why there is no room
---@return string? code       "EACH" or "TOTAL"
function Queue:add(client, item)
  local list = self.lists[client]
  if list and #list >= self.each then
    return nil, ("%d pictures of yours are waiting already: send the next when one is done"):format(
      #list), "EACH"
  elseif self.length >= self.total then
    return nil, ("%d pictures are waiting already: try again in a while"):format(self.length),
      "TOTAL"
  end
  if not list then
    list = {}
    self.lists[client] = list
    self.order[#self.order + 1] = client
  end
  list[#list + 1] = item
  self.length = self.length + 1
  return self:position(item)
end

--- Drops a client of whom nothing waits.
local function drop(self, at)
  self.lists[table.remove(self.order, at)] = nil
end

--- The next one, whose client then goes behind the others.
---@return table? item
function Queue:take()
  local client = self.order[1]
  if not client then
    return nil
  end
  local list = self.lists[client]
  local item = table.remove(list, 1)
  self.length = self.length - 1
  if #list == 0 then
    drop(self, 1)
  else
    table.insert(self.order, table.remove(self.order, 1))
  end
  return item
end

--- Where an item stands: the place of its client and its own place there.
local function find(self, item)
  for at, client in ipairs(self.order) do
    for i, other in ipairs(self.lists[client]) do
      if other == item then
        return at, i
      end
    end
  end
end

--- Takes one out of turn.
---@param item table
---@return boolean was_there
function Queue:remove(item)
  local at, i = find(self, item)
  if not at then
    return false
  end
  table.remove(self.lists[self.order[at]], i)
  self.length = self.length - 1
  if #self.lists[self.order[at]] == 0 then
    drop(self, at)
  end
  return true
end

--- How many will be taken before an item if nothing more comes; nil when it is not there.
---@param item table
---@return integer?
function Queue:position(item)
  local at, i = find(self, item)
  if not at then
    return nil
  end
  local before = i - 1
  for place, client in ipairs(self.order) do
    if place ~= at then
      -- Those before it in the round get as many turns as it does, those behind one less.
      before = before + math.min(#self.lists[client], place < at and i or i - 1)
    end
  end
  return before
end

--- Every item, for those who look for one of them.
---@return table[]
function Queue:items()
  local all = {}
  for _, client in ipairs(self.order) do
    table.move(self.lists[client], 1, #self.lists[client], #all + 1, all)
  end
  return all
end

return queue
