/// A number known to the compiler, so that loops over it are unrolled: kernels take `Size<N>.Type` as an argument.
enum Size<let N: Int> {}
