//! Compensated summation of doubles (Neumaier, 1974).

#[derive(Default, Clone, Copy)]
pub struct Sum {
    sum: f64,
    compensation: f64,
}

impl Sum {
    pub fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        self.compensation +=
            if self.sum.abs() >= number.abs() { (self.sum - sum) + number } else { (number - sum) + self.sum };
        self.sum = sum;
    }

    pub fn value(self) -> f64 {
        // After an overflow the compensation is meaningless.
        if self.compensation.is_finite() { self.sum + self.compensation } else { self.sum }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Sum::default();
        numbers.into_iter().for_each(|number| sum.add(number));
        sum
    }
}
