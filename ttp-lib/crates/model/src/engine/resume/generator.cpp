// What tch binds no function for: the state of libtorch's generator of random numbers, from
// which dropout is drawn, and how this libtorch computes.
//
// No exception leaves these functions: they give 0 where all went well. A caller's buffer is
// filled up to its capacity; `size` is what the whole takes.

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/empty.h>
#include <torch/version.h>

#include <cstring>
#include <mutex>
#include <string>

namespace {

constexpr int FAILED = 1;

at::Generator generator_of(int cuda) {
  const auto device = cuda != 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  return at::globalContext().defaultGenerator(device);
}

void copy(const void* from, size_t size, unsigned char* into, size_t capacity) {
  std::memcpy(into, from, size < capacity ? size : capacity);
}

}  // namespace

extern "C" int ttp_generator_state(int cuda, unsigned char* into, size_t capacity, size_t* size) {
  try {
    at::Generator generator = generator_of(cuda);
    const std::lock_guard<std::mutex> lock(generator.mutex());
    const at::Tensor state = generator.get_state().contiguous();
    *size = state.nbytes();
    copy(state.data_ptr(), *size, into, capacity);
    return 0;
  } catch (...) {
    return FAILED;
  }
}

extern "C" int ttp_generator_set_state(int cuda, const unsigned char* from, size_t size) {
  try {
    const at::Tensor state = at::empty({static_cast<int64_t>(size)}, at::kByte);
    std::memcpy(state.data_ptr(), from, size);
    at::Generator generator = generator_of(cuda);
    const std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(state);
    return 0;
  } catch (...) {
    return FAILED;
  }
}

extern "C" int ttp_libtorch_config(unsigned char* into, size_t capacity, size_t* size) {
  try {
    const std::string config =
        std::string(TORCH_VERSION) + "\n" + at::get_cpu_capability() + "\n" + at::show_config();
    *size = config.size();
    copy(config.data(), *size, into, capacity);
    return 0;
  } catch (...) {
    return FAILED;
  }
}
