-- Masks as polygons with holes, from the borders that mask:outline follows. Points are corners of
-- pixels (pixel x goes from x to x + 1), y grows downwards. A ring is a list {x1, y1, x2, y2, …}
-- that does not repeat its first point. Outer rings have a positive area by the shoelace formula
-- (clockwise on the screen), holes a negative one.

local polygons = {}

---@class lab.Polygon
---@field outer number[]
---@field holes number[][]
---@field pixels number     area of the outer ring
---@field slits table       by ring and edge: where holes are joined to it

local function area(ring)
  local sum, n = 0, #ring
  for i = 1, n, 2 do
    local j = i + 2 <= n and i + 2 or 1
    sum = sum + ring[i] * ring[j + 1] - ring[j] * ring[i + 1]
  end
  return sum / 2
end

--- Takes a ring that touches itself apart where it does, so that each part is simple.
local function split(ring, into)
  local points, seen = {}, {}
  for i = 1, #ring, 2 do
    local x, y = ring[i], ring[i + 1]
    local key = y * 65536 + x
    local first = seen[key]
    if first then
      local part = {}
      for k = first, #points do
        local point = points[k]
        part[#part + 1], part[#part + 2] = point[1], point[2]
        seen[point[2] * 65536 + point[1]] = nil
        points[k] = nil
      end
      into[#into + 1] = part
    end
    points[#points + 1] = { x, y }
    seen[key] = #points
  end
  local rest = {}
  for _, point in ipairs(points) do
    rest[#rest + 1], rest[#rest + 2] = point[1], point[2]
  end
  into[#into + 1] = rest
end

--- The position of the leftmost point, of several the topmost.
local function leftmost(ring)
  local best = 1
  for i = 3, #ring, 2 do
    if ring[i] < ring[best] or ring[i] == ring[best] and ring[i + 1] < ring[best + 1] then
      best = i
    end
  end
  return best
end

--- What a ray from each hole's leftmost point to the left meets, half a pixel below that point:
--- edges by row, from left to right, only of rows where a hole starts. All points have whole y.
---@param holes table[]   borders
---@param borders table[]
---@param which string    "exact" or "shown": the rings that are looked at
local function edges_by_row(holes, borders, which)
  local rows = {}
  for _, hole in ipairs(holes) do
    rows[hole[which][leftmost(hole[which]) + 1]] = {}
  end
  for _, border in ipairs(borders) do
    local ring = border[which]
    for i = 1, #ring, 2 do
      local j = i + 2 <= #ring and i + 2 or 1
      local x1, y1, x2, y2 = ring[i], ring[i + 1], ring[j], ring[j + 1]
      for y = math.min(y1, y2), math.max(y1, y2) - 1 do
        local row = rows[y]
        if row then
          row[#row + 1] = { x = x1 + (y + 0.5 - y1) * (x2 - x1) / (y2 - y1), border = border,
            edge = i, upright = x1 == x2 }
        end
      end
    end
  end
  for _, row in pairs(rows) do
    table.sort(row, function(p, q) return p.x < q.x end)
  end
  return rows
end

--- The nearest edge left of x for which `fits` holds.
local function nearest_left(row, x, fits)
  local low, high = 0, #row
  while low < high do
    local middle = (low + high + 1) // 2
    if row[middle].x < x then
      low = middle
    else
      high = middle - 1
    end
  end
  for i = low, 1, -1 do
    if fits(row[i].border) then
      return row[i]
    end
  end
end

--- Calls visit(hole, x, row, y) with the holes from the left to the right.
local function from_left(holes, borders, which, visit)
  local rows, places = edges_by_row(holes, borders, which), {}
  for k, hole in ipairs(holes) do
    local i = leftmost(hole[which])
    places[k] = { hole = hole, x = hole[which][i], y = hole[which][i + 1], start = i }
  end
  table.sort(places, function(p, q) return p.x < q.x or p.x == q.x and p.y < q.y end)
  for _, place in ipairs(places) do
    visit(place, rows[place.y])
  end
end

--- Gives each hole its polygon. Left of a hole lies its region, up to the region's outer border or
--- another hole of it, which has its polygon already.
local function find_owners(holes, borders)
  from_left(holes, borders, "exact", function(place, row)
    local edge = nearest_left(row, place.x, function() return true end)
    place.hole.polygon = edge.border.polygon
  end)
end

--- Notes where each hole is joined to its polygon by a slit without width: at an edge of the outer
--- ring or of a hole that starts further left, so that they form a tree.
local function find_slits(holes, borders)
  from_left(holes, borders, "shown", function(place, row)
    local polygon = place.hole.polygon
    local edge = nearest_left(row, place.x, function(border) return border.polygon == polygon end)
    local slit = { hole = place.hole.shown, start = place.start }
    local ring, at = polygon.outer, 1 -- of simplified rings a hole may stick out
    slit.x, slit.y = ring[1], ring[2]
    if edge then
      ring, at = edge.border.shown, edge.edge
      slit.x, slit.y = edge.x, edge.upright and place.y or place.y + 0.5
      slit.x = math.tointeger(slit.x) or slit.x
    end
    local slits = polygon.slits
    slits[ring] = slits[ring] or {}
    slits[ring][at] = slits[ring][at] or {}
    table.insert(slits[ring][at], slit)
  end)
end

--- The borders as pairs of an exact ring and the one that is shown.
local function borders(mask, tolerance)
  local rows, message, code = mask:outline { connectivity = "4" }
  if not rows then
    return nil, message, code
  end
  local list = {}
  if tolerance <= 0 then
    local rings = {}
    for _, row in ipairs(rows) do
      split(row.points, rings)
    end
    for i, ring in ipairs(rings) do
      list[i] = { exact = ring, shown = ring }
    end
    return list
  end
  local simple
  simple, message, code = mask:outline { connectivity = "4", tolerance = tolerance }
  if not simple then
    return nil, message, code
  end
  for i, row in ipairs(rows) do
    list[i] = { exact = row.points, shown = simple[i].points }
  end
  return list
end

--- The polygons of a mask; regions that touch at a corner only are polygons of their own. Without
--- tolerance they are exact and valid (simple rings that touch in points at most).
---@param mask lab.Mask
---@param tolerance? number  pixels that they may be away from the border (0)
---@return lab.Polygon[]? polygons
---@return string? message
---@return string? code
function polygons.of(mask, tolerance)
  local rings, message, code = borders(mask, tolerance or 0)
  if not rings then
    return nil, message, code
  end
  local list, holes = {}, {}
  for _, border in ipairs(rings) do
    local pixels = area(border.exact)
    if pixels > 0 then
      border.polygon = { outer = border.shown, holes = {}, pixels = pixels, slits = {} }
      list[#list + 1] = border.polygon
    else
      holes[#holes + 1] = border
    end
  end
  find_owners(holes, rings)
  find_slits(holes, rings)
  for _, hole in ipairs(holes) do
    table.insert(hole.polygon.holes, hole.shown)
  end
  return list
end

-- ---- polygons without holes ----

--- Appends a ring from one of its points on, and at its edges the holes that are joined there. A
--- hole ends where it began.
local function append(points, slits, ring, start)
  local here = slits[ring] or {}
  for k = 0, #ring - 1, 2 do
    local i = (start - 1 + k) % #ring + 1
    points[#points + 1], points[#points + 2] = ring[i], ring[i + 1]
    local x, y = ring[i], ring[i + 1]
    local function from_here(slit)
      return math.abs(slit.x - x) + math.abs(slit.y - y)
    end
    local joined = here[i] or {}
    table.sort(joined, function(p, q) return from_here(p) < from_here(q) end)
    for _, slit in ipairs(joined) do
      points[#points + 1], points[#points + 2] = slit.x, slit.y
      append(points, slits, slit.hole, slit.start)
      points[#points + 1], points[#points + 2] = slit.hole[slit.start], slit.hole[slit.start + 1]
      points[#points + 1], points[#points + 2] = slit.x, slit.y
    end
  end
end

--- One ring that covers the same: what formats without holes need.
---@param polygon lab.Polygon
---@return number[] ring
function polygons.keyhole(polygon)
  local points = {}
  append(points, polygon.slits, polygon.outer, 1)
  return points
end

return polygons
