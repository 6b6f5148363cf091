fn main() {
    lab::enter();
    lab::trials(vec![])
}
