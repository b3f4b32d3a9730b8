# Cross build for AArch64 Linux: Debian's cross compiler, the libraries of a folder that
# scripts/sysroot.sh has filled, and qemu-user for what CTest runs. QEMU_CPU in the environment
# chooses the CPU: cortex-a72 has no dot product, neoverse-n1 has it.
#
# LAB_SYSROOT: the folder; build/sysroot-aarch64 of the checkout unless given.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(LAB_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot-aarch64 CACHE PATH
  "Libraries of the target, see scripts/sysroot.sh")
get_filename_component(CMAKE_SYSROOT ${LAB_SYSROOT} ABSOLUTE)
# CMake reads this file again for its compiler checks, which get these variables along.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LAB_SYSROOT)

set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${CMAKE_SYSROOT})

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
  ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
