-- `luarocks make scripts/lualab-scm-1.rockspec` in a checkout: lab.so goes where LuaRocks keeps C modules, everything else into a
-- folder of the rock, which lab.so remembers (LAB_INSTALL_PREFIX in src/host/places.c).
rockspec_format = "3.0"
package = "lualab"
version = "scm-1"
source = { url = "git+file://." }
description = {
  summary = "Semantic image segmentation: models, operators on pictures and label maps, a catalog",
  license = "MIT",
}
dependencies = { "lua >= 5.4, < 5.5", "dkjson", "argparse" }
external_dependencies = {
  SQLITE = { header = "sqlite3.h" },
  NETTLE = { header = "nettle/sha2.h" },
  DEFLATE = { header = "libdeflate.h" },
  EXIF = { header = "libexif/exif-data.h" },
  PNG = { header = "png.h" },
  EDIT = { header = "histedit.h" },
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)/lualab",
    LAB_TESTS = "OFF",
  },
  install = { lib = { lab = "build.luarocks/lua/lab.so" } },
}
