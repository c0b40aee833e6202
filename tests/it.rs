//! The one integration test binary; each module tests one side of the house.

mod it {
    mod broken;
    mod hwpoison;
    mod lower;
}
