// Made by environment/golden/optimizer.py with torch 2.4.0+cu121.
pub const STEPS: [(Algorithm, f64, [f32; 3]); 4] = [
    (Algorithm::AdamW, 1000000000.0, [0.7015197, -2.294198, 2.69221]),
    (Algorithm::Adam, 1000000000.0, [0.7041537, -2.300494, 2.700869]),
    (Algorithm::AdamW, 1.0, [0.700527, -2.29417, 2.691676]),
    (Algorithm::Adam, 1.0, [0.7032176, -2.300464, 2.700366]),
];
