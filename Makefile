# make build     build/lib/libflip.so, build/lib/pkgconfig/flip.pc, lib/cmake/flip, build/include/flip.h, build/bin/flip
# make test      the Swift, C, Python and R suites
# make fuzz MINUTES=60     inputs made to harm, on every surface, for so long
# make test-hdf5  the tests of files under the system's HDF5 and under the wheel's
# make test-spark  a Spark cluster and a Dask one on this machine, with workers that are killed
# make audit     attacks on the guarantee: the promises with their mutants, then the long membership audit
# make promises  the first half of it: docs/PROMISES.md, each promise with its tests and mutants
# make demo      a whole training on simulated hospital admissions
# make bench OLD=CHECKOUT     ours beside PyTorch, Opacus and another checkout, one JSON object a line
# make wheel     build/wheel/libflip-*.whl: libflip.so with an HDF5 of its own, for every Python 3 on Linux
# make setup     what the above need beyond Swift: Debian packages, .venv
# make install PREFIX=/usr/local     make clean

PREFIX ?= /usr/local
PYTHON ?= .venv/bin/python
SWIFT ?= swift
export SWIFT
VERSION := 1.0.0
HERE := $(CURDIR)

# The shipped library carries its Swift runtime; tests cannot be built that way, hence a scratch folder of its own.
ship = $(SWIFT) build -c release --disable-local-rpath --scratch-path $(1) -Xswiftc -static-stdlib -Xswiftc -use-ld=lld
SHIP := $(call ship,.build-ship)
MAP := -Xlinker --version-script=$(HERE)/Sources/FLIP/flip.map -Xlinker -soname=libflip.so.1 \
       -Xlinker -z -Xlinker nodelete -Xlinker --gc-sections

.PHONY: build test test-spark test-hdf5 fuzz audit promises demo bench setup \
        install uninstall clean header-symbols wheel wheel-library

build: .build-ship/system
	$(SHIP) $(MAP) --product flip
	$(SHIP) --product flip-cli
	@mkdir -p build/lib/pkgconfig build/include build/bin
	@install -m 644 include/flip.h build/include/flip.h
	@strip --strip-unneeded -o build/lib/libflip.so.1.new .build-ship/release/libflip.so
	@mv build/lib/libflip.so.1.new build/lib/libflip.so.1
	@ln -sfn libflip.so.1 build/lib/libflip.so
	@strip -o build/bin/flip.new .build-ship/release/flip-cli && mv build/bin/flip.new build/bin/flip
	@$(call pc,$(HERE)/build) > build/lib/pkgconfig/flip.pc
	@$(call cmake,$(HERE)/build)
	@echo "build/lib/libflip.so  build/include/flip.h  build/lib/pkgconfig/flip.pc  build/bin/flip"

# $(call pc,PREFIX): the pkg-config file for that prefix.
pc = printf '%s\n' 'prefix=$(1)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' 'Name: flip' \
     'Description: private generators for tables' 'Version: $(VERSION)' \
     'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lflip'

# $(call cmake,PREFIX): the CMake package under that prefix.
cmake = install -d $(1)/lib/cmake/flip && install -m 644 cmake/flip-config.cmake $(1)/lib/cmake/flip && \
        sed 's/@VERSION@/$(VERSION)/' cmake/flip-config-version.cmake.in > $(1)/lib/cmake/flip/flip-config-version.cmake

# The wheel's library: the same sources, a static HDF5 inside instead of the system's.
wheel-library: .build-ship/system .build-hdf5/version
	PKG_CONFIG_PATH=$(HERE)/.build-hdf5/pkgconfig $(call ship,.build-wheel) $(MAP) --product flip
	@mkdir -p build/wheel/licenses
	@strip --strip-unneeded -o build/wheel/libflip.so .build-wheel/release/libflip.so
	@cp LICENSE NOTICE build/wheel/licenses/ && cp .build-hdf5/COPYING build/wheel/licenses/HDF5-COPYING
	@echo "build/wheel/libflip.so, with HDF5 $$(cat .build-hdf5/version)"

.build-hdf5/version:
	./.ci/setup wheel
	sh bindings/python/build_hdf5 .build-hdf5

wheel: wheel-library
	rm -rf build/wheel/*.whl bindings/python/build
	FLIP_WHEEL_LIBRARY=$(HERE)/build/wheel $(or $(wildcard $(PYTHON)),python3) -m pip wheel -q --no-deps \
		-w build/wheel bindings/python
	@ls build/wheel/*.whl

# What a build needs, installed once; `make setup` looks again.
.build-ship/system:
	./.ci/setup build
	@mkdir -p .build-ship && touch $@

setup:
	./.ci/setup build test
	@mkdir -p .build-ship && touch .build-ship/system

test: setup build
	PYTHON="$(PYTHON)" $(PYTHON) Tests/run_all

fuzz: build
	$(or $(wildcard $(PYTHON)),python3) Tests/fuzz/fuzz.py --minutes $(or $(MINUTES),60) --keep build/fuzz

test-hdf5: build wheel-library
	PYTHON="$(PYTHON)" $(or $(wildcard $(PYTHON)),python3) Tests/hdf5_versions

test-spark: build
	./.ci/setup spark
	PYTHONPATH=bindings/python FLIP_TEST_SPARK=long .venv-spark/bin/python -m pytest -q -p no:cacheprovider \
		--noconftest Tests/python/test_spark.py Tests/python/test_spark_faults.py Tests/python/test_dask.py \
		Tests/python/test_cluster_examples.py

promises: build
	PYTHON="$(PYTHON)" $(or $(wildcard $(PYTHON)),python3) Tests/promises

audit: promises
	$(or $(wildcard $(PYTHON)),python3) Tests/audit

demo: .build-ship/system build
	PYTHONPATH=bindings/python $(or $(wildcard $(PYTHON)),python3) examples/python/demo.py

bench: build
	$(SHIP) --product flip-bench
	FLIP_BENCH=.build-ship/release/flip-bench PYTHON="$(PYTHON)" $(or $(wildcard $(PYTHON)),python3) \
	    Benchmarks/bench.py $(if $(OLD),--old $(OLD))

install: build
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/bin
	install -m 755 build/lib/libflip.so.1 $(DESTDIR)$(PREFIX)/lib/libflip.so.1
	ln -sfn libflip.so.1 $(DESTDIR)$(PREFIX)/lib/libflip.so
	install -m 644 include/flip.h $(DESTDIR)$(PREFIX)/include/flip.h
	install -m 755 build/bin/flip $(DESTDIR)$(PREFIX)/bin/flip
	$(call pc,$(PREFIX)) > $(DESTDIR)$(PREFIX)/lib/pkgconfig/flip.pc
	$(call cmake,$(DESTDIR)$(PREFIX))

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,lib/libflip.so lib/libflip.so.1 include/flip.h bin/flip \
		lib/pkgconfig/flip.pc lib/cmake/flip/flip-config.cmake lib/cmake/flip/flip-config-version.cmake)

clean:
	rm -rf build .build .build-ship .build-wheel .build-hdf5
