#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace postglass::store {

// Merges sorted runs: knows which of some players has the least head, with one comparison a level
// when that head changes. `Before` tells by the players' numbers whose head goes first, a player
// without one going last; it must be a strict order, so equal heads go by number.
template <class Before>
class LoserTree {
 public:
  // Requires: at least one player.
  LoserTree(std::size_t players_count, Before before)
      : before_(std::move(before)), losers_(players_count) {
    winner_ = players_count == 1 ? 0 : Play(1);
  }

  std::size_t winner() const { return winner_; }

  // To be called when the winner's head has changed.
  void Replay() {
    std::size_t player = winner_;
    for (std::size_t node = (player + losers_.size()) / 2; node >= 1; node /= 2) {
      if (before_(losers_[node], player)) std::swap(losers_[node], player);
    }
    winner_ = player;
  }

 private:
  // The winner below the node. Nodes are 1 to n - 1, players the leaves n to 2n - 1.
  std::size_t Play(std::size_t node) {
    if (node >= losers_.size()) return node - losers_.size();
    std::size_t winner = Play(2 * node);
    std::size_t loser = Play(2 * node + 1);
    if (before_(loser, winner)) std::swap(winner, loser);
    losers_[node] = loser;
    return winner;
  }

  Before before_;
  std::vector<std::size_t> losers_;  // by node
  std::size_t winner_ = 0;
};

}  // namespace postglass::store
